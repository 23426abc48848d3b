#!/bin/sh
# Questions that routers answer: who is in a room, where a user is, what there is. NATS_URL says where NATS is.
set -e

nats req sluice.api.presence '{"room":"chat:lobby","limit":100}' --raw
nats req sluice.api.count '{"rooms":["chat:lobby","chat:garden"]}' --raw
nats req sluice.api.rooms '{"namespace":"chat","limit":100}' --raw
nats req sluice.api.user '{"user":"alice"}' --raw
nats req sluice.api.gateways '{}' --raw

# A question that cannot be answered: the code is in the body, its number in the header Nats-Service-Error-Code.
nats req sluice.api.presence '{"room":""}'
