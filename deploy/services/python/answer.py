"""Answers calls of clients. Run it as often as you like: each call goes to one of those that run."""

import asyncio
import json
import os

import nats
from nats.micro import add_service
from nats.micro.request import Request

from names import name_of

ORDERS = {7: {"owner": "alice", "state": "shipped"}}


async def find(id: object) -> dict[str, str] | None:
    """In place of a database."""
    await asyncio.sleep(0.005)
    return ORDERS.get(id)


async def get_order(call: Request) -> None:
    # Headers are the gateway's: no client can set them. The payload is whatever a client has sent.
    user = name_of(call.headers["Sluice-From"])
    try:
        id = json.loads(call.data)["id"]
        # No longer than the caller waits.
        async with asyncio.timeout(int(call.headers["Sluice-Deadline-Ms"]) / 1000):
            order = await find(id)
    except (ValueError, TypeError, KeyError):
        return await call.respond_error("400", "an id is needed", b"{}")
    print(f"{user} asks for order {id}", flush=True)
    if order is None or order["owner"] != user:
        # The client gets `service_error`, with this text as `message` and the body as `details`.
        return await call.respond_error("404", "no such order", json.dumps({"id": id}).encode())
    await call.respond(json.dumps({"id": id, "state": order["state"]}).encode())


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    # Those that share the queue group share the calls.
    service = await add_service(nc, name="orders", version="1.0.0", queue_group="orders")
    await service.add_group(name="sluice.call.orders").add_endpoint(name="get", handler=get_order)
    await nc.flush()
    print("answering", flush=True)
    await service.stopped.wait()


asyncio.run(main())
