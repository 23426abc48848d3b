"""Stored pushes: kept in the history of a room or in a user's inbox, unacknowledged or acknowledged."""

import asyncio
import json
import os
import uuid

import nats
from nats.errors import TimeoutError
from nats.js import JetStreamContext
from nats.js.api import PubAck
from nats.js.errors import NoStreamResponseError

from names import token


async def store(js: JetStreamContext, room: str, id: str, data: object) -> PubAck:
    """Stores a message once: where no answer comes, the same id is sent again, and the stream knows it for two minutes."""
    # The window of ids is one for all rooms of a namespace, so the room stands in front of ours.
    headers = {"Nats-Msg-Id": f"{token(room)}/{id}"}
    async with asyncio.timeout(60):
        while True:
            try:
                subject = f"sluice.pub.room.chat.{token(room)}"
                return await js.publish(subject, json.dumps(data).encode(), timeout=2, headers=headers)
            except TimeoutError:
                continue


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    js = nc.jetstream()

    # Unacknowledged: probably stored.
    await nc.publish("sluice.pub.room.chat.lobby", b'{"text":"probably kept"}')

    # Acknowledged: stored, and where. The same message again is stored once.
    order = str(uuid.uuid4())
    first = await store(js, "lobby", order, {"text": "kept"})
    print(f"stored in {first.stream}")
    again = await store(js, "lobby", order, {"text": "kept"})
    print(f"again: duplicate {again.duplicate}, same place {again.seq == first.seq}".lower())

    # Kept from bob, who gets `withheld` in its place: his chain of offsets stays whole.
    not_bob = {"Sluice-Exclude-User": token("bob")}
    await js.publish("sluice.pub.room.chat.lobby", b'{"text":"kept from bob"}', headers=not_bob)

    # A user's inbox: the user gets it now, or when it comes back.
    inbox = await js.publish("sluice.pub.user.alice", b'{"invoice":9}', headers={"Nats-Msg-Id": f"alice/{order}"})
    print(f"stored in {inbox.stream}")

    # Many rooms: all are under way at once, each is answered.
    rooms = ["lobby", "garden", "Team A.1"]
    acks = await asyncio.gather(*(store(js, room, f"{order}-all", {"all": True}) for room in rooms))
    print(f"stored {len(acks)} messages")

    # Nobody answers where no history is kept.
    try:
        await js.publish("sluice.pub.room.default.lobby", b"{}", timeout=2)
    except NoStreamResponseError:
        print("default keeps no history")

    await nc.drain()


asyncio.run(main())
