#!/bin/sh
# Has routers publish: into rooms and to users by their names, whether they keep a history or not, in one request, with a receipt.
# NATS_URL says where NATS is.
set -e

# To how many it went: for whom it was, and whose queue has taken it.
nats req sluice.api.publish --raw \
  '{"room":"chat:lobby","event":"order.shipped","data":{"order":7},"exclude":{"user":"bob"},"receipt":true}'

# The same request again, as after a time-out, is done once and answered alike.
id="$(date +%s)-$$"
nats req sluice.api.publish '{"room":"chat:lobby","data":{"text":"once"}}' -H "Nats-Msg-Id:$id" --raw
nats req sluice.api.publish '{"room":"chat:lobby","data":{"text":"once"}}' -H "Nats-Msg-Id:$id" --raw

# Many rooms or users in one request, up to 1000.
nats req sluice.api.publish '{"rooms":["chat:lobby","chat:Team A.1","lobby"],"data":"all"}' --raw
nats req sluice.api.publish '{"users":["alice","bob"],"data":{"unread":3},"ephemeral":true}' --raw
