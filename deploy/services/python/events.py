"""Who comes and goes in the rooms of `chat`, from the stream of events, without a gap also while this service is down."""

import asyncio
import json
import os

import nats
from nats.errors import TimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    js = nc.jetstream()

    # A durable consumer remembers how far this service has come. Filters are subjects: by kind, namespace, room and user.
    await js.add_consumer(
        "SLUICE_EVENTS",
        ConsumerConfig(
            durable_name="shop",
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.NEW,
            filter_subjects=["sluice.event.joined.chat.*.*", "sluice.event.left.chat.*.*", "sluice.event.resync.>"],
        ),
    )
    consumer = await js.pull_subscribe_bind("shop", "SLUICE_EVENTS")
    print("waiting for events", flush=True)

    # Ids handled lately: an event may come again.
    seen: dict[str, None] = {}
    while True:
        try:
            messages = await consumer.fetch(100, timeout=30)
        except TimeoutError:
            continue
        for msg in messages:
            id = (msg.headers or {}).get("Nats-Msg-Id", "")
            if id not in seen:
                event = json.loads(msg.data)
                # Events of a shard may be missing before it: ask for the state again, as ask.py does.
                if event["kind"] == "resync":
                    print("events may be missing", flush=True)
                else:
                    print(event["user"], event["kind"], event["room"], flush=True)
                seen[id] = None
                if len(seen) > 10_000:
                    del seen[next(iter(seen))]
            # After the work is done: what is not acknowledged comes again.
            await msg.ack()


asyncio.run(main())
