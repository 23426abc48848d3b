"""Has routers publish: into rooms and to users by their names, whether they keep a history or not, in one request, with a receipt."""

import asyncio
import os
import uuid

import nats

from api import ask


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    # To how many it went: for whom it was, and whose queue has taken it.
    shipped = {"room": "chat:lobby", "event": "order.shipped", "data": {"order": 7}}
    told = await ask(nc, "publish", {**shipped, "exclude": {"user": "bob"}, "receipt": True})
    receipt = told["receipt"]
    print(f"written to {receipt['written']} of {receipt['connections']} on {receipt['gateways']} gateway")

    # The same request again, as after a time-out, is done once and answered alike.
    id = str(uuid.uuid4())
    request = {"room": "chat:lobby", "data": {"text": "once"}}
    first = await ask(nc, "publish", request, id)
    again = await ask(nc, "publish", request, id)
    print(f"the same place: {first['offset'] == again['offset']}".lower())

    # Many rooms or users in one request, up to 1000.
    rooms = await ask(nc, "publish", {"rooms": ["chat:lobby", "chat:Team A.1", "lobby"], "data": "all"})
    users = await ask(nc, "publish", {"users": ["alice", "bob"], "data": {"unread": 3}, "ephemeral": True})
    print(f"into {rooms['published']} rooms, to {users['published']} users")

    await nc.drain()


asyncio.run(main())
