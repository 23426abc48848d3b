"""Questions that routers answer: who is in a room, where a user is, what there is."""

import asyncio
import json
import os
from typing import Any

import nats
from nats.aio.client import Client


class ApiError(Exception):
    """What a router answers where it can't: `code` is one of the protocol's, such as bad_request or unavailable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def ask(nc: Client, verb: str, **question: Any) -> Any:
    """Asks, and raises an ApiError with the code of the answer, or what the client raises where nobody answers."""
    msg = await nc.request(f"sluice.api.{verb}", json.dumps(question).encode(), timeout=2)
    body = json.loads(msg.data)
    if msg.headers and "Nats-Service-Error-Code" in msg.headers:
        raise ApiError(body["code"], body["message"])
    return body


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    presence = await ask(nc, "presence", room="chat:lobby", limit=100)
    users = " ".join(member["user"] for member in presence["members"])
    print(f"chat:lobby has {presence['count']} members: {users}")

    counts = (await ask(nc, "count", rooms=["chat:lobby", "chat:garden"]))["counts"]
    print(f"chat:garden has {counts.get('chat:garden', {}).get('members', 0)} members")

    rooms = (await ask(nc, "rooms", namespace="chat", limit=100))["rooms"]
    print("rooms of chat:", *(room["room"] for room in rooms))

    alice = await ask(nc, "user", user="alice")
    print(f"alice has {alice['connections']} connection and is in", *alice["rooms"])

    print(f"there is {len((await ask(nc, 'gateways'))['gateways'])} gateway")

    try:
        await ask(nc, "presence", room="")
    except ApiError as refused:
        print(f"refused: {refused.code}")

    await nc.drain()


asyncio.run(main())
