#!/bin/sh
# Stored pushes: kept in the history of a room or in a user's inbox, unacknowledged or acknowledged. NATS_URL says where NATS is.
set -e

# Unacknowledged: probably stored.
nats pub sluice.pub.room.chat.lobby '{"text":"probably kept"}'

# Acknowledged: stored, and where. The same message again is stored once. The window of ids is one for all rooms of a namespace, so
# the room stands in front of ours.
order="$(date +%s)-$$"
nats req sluice.pub.room.chat.lobby '{"text":"kept"}' -H "Nats-Msg-Id:lobby/$order" --raw
nats req sluice.pub.room.chat.lobby '{"text":"kept"}' -H "Nats-Msg-Id:lobby/$order" --raw

# Kept from bob, who gets `withheld` in its place: his chain of offsets stays whole.
nats req sluice.pub.room.chat.lobby '{"text":"kept from bob"}' -H Sluice-Exclude-User:bob --raw

# A user's inbox: the user gets it now, or when it comes back.
nats req sluice.pub.user.alice '{"invoice":9}' -H "Nats-Msg-Id:alice/$order" --raw

# Many rooms: each is answered.
for room in lobby garden Team=20A=2E1; do
  nats req "sluice.pub.room.chat.$room" '{"all":true}' -H "Nats-Msg-Id:$room/$order-all" --raw
done

# Nobody answers where no history is kept.
nats req sluice.pub.room.default.lobby '{}' 2>&1 || true
