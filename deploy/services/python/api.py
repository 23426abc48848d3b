"""Requests to routers: JSON in, JSON out, errors as the NATS services protocol has them."""

import json
from typing import Any

from nats.aio.client import Client


class ApiError(Exception):
    """What a router answers where it can't: `code` is one of the protocol's, such as bad_request or unavailable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def ask(nc: Client, verb: str, question: dict[str, Any] | None = None, id: str | None = None) -> Any:
    """Asks, and raises an ApiError with the code of the answer, or what the client raises where nobody answers.

    `id` is for what changes something: asked again with the same id, it is done once and answered alike.
    """
    headers = {"Nats-Msg-Id": id} if id else None
    msg = await nc.request(f"sluice.api.{verb}", json.dumps(question or {}).encode(), timeout=5, headers=headers)
    body = json.loads(msg.data)
    if msg.headers and "Nats-Service-Error-Code" in msg.headers:
        raise ApiError(body["code"], body["message"])
    return body
