"""What services have done to connections: put into rooms, taken out, moved, closed. `python control.py [session to close]`"""

import asyncio
import os
import sys
import time

import nats

from api import ApiError, ask


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    # All connections of a user; clients are told by `added` and `removed`. No grant of theirs is needed, and none is given.
    joined = await ask(nc, "join", {"user": "alice", "room": "chat:garden"})
    left = await ask(nc, "leave", {"user": "alice", "room": "chat:garden", "reason": "closing time"})
    print(f"alice: joined {joined['connections']}, left {left['connections']}")

    # One connection.
    if len(sys.argv) > 1:
        closed = await ask(nc, "disconnect", {"session": sys.argv[1], "reason": "one of too many"})
        print(f"session: closed {closed['connections']}")

    # All of a user, and no token that was issued before now is let in again.
    banned = await ask(nc, "disconnect", {"user": "bob", "reason": "banned", "notBefore": int(time.time())})
    print(f"bob: closed {banned['connections']}")

    # One connection of a gateway, to another one.
    gateways = (await ask(nc, "gateways"))["gateways"]
    moved = await ask(nc, "move", {"gateway": gateways[0]["gateway"], "connections": 1})
    print(f"moved {moved['connections']}")

    try:
        await ask(nc, "move", {"gateway": "gone"})
    except ApiError as refused:
        print(f"refused: {refused.code}")

    await nc.drain()


asyncio.run(main())
