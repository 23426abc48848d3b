"""Decides who may connect, and who may join and publish in the rooms of `ask`. Only a clear yes allows: run two of it."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import nats
from nats.aio.msg import Msg

# A question has user, session and claims; about a room also room, and about a message data or bytes, and event.
Question = dict[str, Any]

GUESTS = {"ask:ticket-7": ["alice"]}
BLOCKED = {"mallory"}


def may_join(question: Question) -> object:
    if question["user"] not in GUESTS.get(question["room"], []):
        return {"allow": False, "reason": "not your ticket"}
    # Asked again after a minute; what is allowed meanwhile needs no answer.
    return {"allow": True, "ttlMs": 60_000, "info": {"role": "guest"}}


def may_publish(question: Question) -> object:
    allow = question["user"] in GUESTS.get(question["room"], [])
    return {"allow": allow, "ttlMs": 60_000, "limits": {"publishesPerSecond": 5}}


def may_connect(question: Question) -> object:
    if question["user"] in BLOCKED:
        return {"allow": False, "reason": "blocked"}
    return {"allow": True, "ttlMs": 600_000}


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    async def decide(subject: str, answer: Callable[[Question], object]) -> None:
        async def respond(msg: Msg) -> None:
            await msg.respond(json.dumps(answer(json.loads(msg.data))).encode())

        await nc.subscribe(subject, queue="doors", cb=respond)

    await decide("sluice.authorize.join.ask", may_join)
    await decide("sluice.authorize.publish.ask", may_publish)
    await decide("sluice.authorize.connect", may_connect)
    await nc.flush()
    print("deciding", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
