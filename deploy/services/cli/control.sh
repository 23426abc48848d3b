#!/bin/sh
# What services have done to connections: put into rooms, taken out, moved, closed. NATS_URL says where NATS is. `control.sh [session to close]`
set -e

# All connections of a user; clients are told by `added` and `removed`. No grant of theirs is needed, and none is given.
nats req sluice.api.join '{"user":"alice","room":"chat:garden"}' --raw
nats req sluice.api.leave '{"user":"alice","room":"chat:garden","reason":"closing time"}' --raw

# One connection.
if [ -n "$1" ]; then
  nats req sluice.api.disconnect "{\"session\":\"$1\",\"reason\":\"one of too many\"}" --raw
fi

# All of a user, and no token that was issued before now is let in again.
nats req sluice.api.disconnect "{\"user\":\"bob\",\"reason\":\"banned\",\"notBefore\":$(date +%s)}" --raw

# One connection of a gateway, to another one.
gateway="$(nats req sluice.api.gateways '{}' --raw | sed 's/^[^[]*\[{"gateway":"\([^"]*\)".*/\1/')"
nats req sluice.api.move "{\"gateway\":\"$gateway\",\"connections\":1}" --raw
nats req sluice.api.move '{"gateway":"gone"}'
