#!/bin/sh
# Who comes and goes in the rooms of `chat`, from the stream of events, without a gap also between two runs. NATS_URL says where NATS is.
set -e

# A durable consumer remembers how far this service has come. Filters are subjects: by kind, namespace, room and user.
nats consumer info SLUICE_EVENTS shop >/dev/null 2>&1 ||
  nats consumer add SLUICE_EVENTS shop --pull --ack explicit --deliver new --defaults \
    --filter 'sluice.event.joined.chat.*.*' --filter 'sluice.event.left.chat.*.*' --filter 'sluice.event.resync.>' >/dev/null
echo 'waiting for events'

# One at a time, acknowledged as it is printed.
while :; do
  nats consumer next SLUICE_EVENTS shop --raw --timeout 30s || true
  echo
done
