"""Live pushes: whoever is there now gets them, and nobody learns of a loss. `python push.py [session to leave out]`"""

import asyncio
import os
import sys

import nats

from names import token


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))

    # Everyone in chat:lobby, and every connection of alice on every gateway.
    await nc.publish("sluice.room.chat.lobby", b'{"text":"from a service"}')
    await nc.publish("sluice.user.alice", b'{"unread":3}')

    # A name with other characters than A-Z a-z 0-9 _ - is written as a token.
    await nc.publish(f"sluice.room.chat.{token('Team A.1')}", b'{"text":"to Team A.1"}')

    # All else is in headers: what it is, from whom, and a key by which clients know it again.
    described = {"Sluice-Event": "order.shipped", "Sluice-From": token("the shop"), "Sluice-Key": "order-7"}
    await nc.publish("sluice.room.chat.lobby", b'{"order":7}', headers=described)

    # Bytes in place of JSON.
    octets = {"Content-Type": "application/octet-stream"}
    await nc.publish("sluice.room.chat.lobby", b"\x00\xff", headers=octets)

    # Everyone but bob, on all of his connections; or everyone but one connection.
    not_bob = {"Sluice-Exclude-User": token("bob")}
    await nc.publish("sluice.room.chat.lobby", b'{"text":"not for bob"}', headers=not_bob)
    if len(sys.argv) > 1:
        not_here = {"Sluice-Exclude-Session": token(sys.argv[1])}
        await nc.publish("sluice.room.chat.lobby", b'{"text":"elsewhere"}', headers=not_here)

    # Many users or rooms: one publish for each. They leave together, and one flush proves that NATS has taken them all.
    for user in ["alice", "bob", "carol"]:
        await nc.publish(f"sluice.user.{token(user)}", b'{"maintenance":"22:00"}')
    await nc.flush()
    print("NATS has taken everything")

    await nc.drain()


asyncio.run(main())
