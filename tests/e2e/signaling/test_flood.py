"""A client that says more than anybody can hear."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.signaling.client import LIMIT_SECONDS, Client, Heard, refused, told
from tests.e2e.signaling.room import Room, consent

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What a gateway takes at once; beyond, it takes 50 each second.
_AT_ONCE = 100
_FLOOD = 600
_ENDLESS = 1500
_ECHO = Heard("echo", {"action": "ping"})
_ANSWER = refused("not_accepted_or_not_in_waiting_room", "control")
_WARNING = told("rate_limit_exceeded", "control")


async def test_what_is_too_much_is_dropped_and_answered_now_and_then(room: Room) -> None:
    alice = await room.enter("alice")

    await _flood(alice, _FLOOD)
    async with asyncio.timeout(LIMIT_SECONDS):
        while _ANSWER not in alice.heard:  # it comes through as soon as the gateway listens again
            await alice.send("control", action="enter_room")
            await asyncio.sleep(0.1)

    echoed, warned = alice.heard.count(_ECHO), alice.heard.count(_WARNING)
    assert _AT_ONCE - 10 <= echoed < _FLOOD
    assert 1 <= warned <= 2 * LIMIT_SECONDS
    assert echoed + warned + alice.heard.count(_ANSWER) == len(alice.heard)


async def test_a_withdrawal_is_never_dropped(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice", at=1)
    await consent(alice, seen_by=[mona])

    await _flood(alice, _FLOOD)

    await consent(alice, seen_by=[mona], consents=False)
    assert _WARNING in alice.heard


async def test_a_flood_that_does_not_stop_ends_the_connection(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice", at=1)

    with suppress(ConnectionClosed):
        await _flood(alice, _ENDLESS)

    assert await alice.closed() == 1008
    await mona.expect("control", "left", id="alice")


async def _flood(client: Client, messages: int) -> None:
    for _ in range(messages):
        await client.send(_ECHO.namespace, **_ECHO.payload)
