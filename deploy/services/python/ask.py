"""Questions that routers answer: who is in a room, where a user is, what there is."""

import asyncio
import os

import nats

from api import ApiError, ask


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    presence = await ask(nc, "presence", {"room": "chat:lobby", "limit": 100})
    users = " ".join(member["user"] for member in presence["members"])
    print(f"chat:lobby has {presence['count']} members: {users}")

    counts = (await ask(nc, "count", {"rooms": ["chat:lobby", "chat:garden"]}))["counts"]
    print(f"chat:garden has {counts.get('chat:garden', {}).get('members', 0)} members")

    rooms = (await ask(nc, "rooms", {"namespace": "chat", "limit": 100}))["rooms"]
    print("rooms of chat:", *(room["room"] for room in rooms))

    alice = await ask(nc, "user", {"user": "alice"})
    print(f"alice has {alice['connections']} connection and is in", *alice["rooms"])

    print(f"gateways: {len((await ask(nc, 'gateways'))['gateways'])}")

    try:
        await ask(nc, "presence", {"room": ""})
    except ApiError as refused:
        print(f"refused: {refused.code}")

    await nc.drain()


asyncio.run(main())
