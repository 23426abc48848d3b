#!/bin/sh
# Live pushes: whoever is there now gets them, and nobody learns of a loss. NATS_URL says where NATS is. `push.sh [session to leave out]`
set -e

# Everyone in chat:lobby, and every connection of alice on every gateway.
nats pub sluice.room.chat.lobby '{"text":"from a service"}'
nats pub sluice.user.alice '{"unread":3}'

# A name with other characters than A-Z a-z 0-9 _ - is written as a token: this is `Team A.1`.
nats pub sluice.room.chat.Team=20A=2E1 '{"text":"to Team A.1"}'

# All else is in headers: what it is, from whom, and a key by which clients know it again.
nats pub sluice.room.chat.lobby '{"order":7}' -H Sluice-Event:order.shipped -H Sluice-From:the=20shop -H Sluice-Key:order-7

# Bytes in place of JSON, from standard input.
printf '\000\377' | nats pub sluice.room.chat.lobby --force-stdin -H Content-Type:application/octet-stream

# Everyone but bob, on all of his connections; or everyone but one connection.
nats pub sluice.room.chat.lobby '{"text":"not for bob"}' -H Sluice-Exclude-User:bob
if [ -n "$1" ]; then
  nats pub sluice.room.chat.lobby '{"text":"elsewhere"}' -H "Sluice-Exclude-Session:$(printf %s "$1" | sed 's/\./=2E/')"
fi

# Many users or rooms: one publish for each.
for user in alice bob carol; do
  nats pub "sluice.user.$user" '{"maintenance":"22:00"}'
done
echo 'NATS has taken everything'
