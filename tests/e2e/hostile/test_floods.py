"""Clients that say more than anybody can hear."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial

import pytest

from shared.contracts.consent import (
    ConsentEvent,
    ConsentGiven,
    ConsentSaid,
    ConsentWithdrawn,
    consent_stream,
)
from shared.contracts.room import SessionStarted, room_stream
from tests.e2e.hostile.gateway import Gateway, memory_sampled
from tests.e2e.hostile.raw import CLOSE, PING, PONG, TEXT, Frame, RawConnection, frame, raw_connection, said
from tests.e2e.signaling.client import Client, told
from tests.e2e.signaling.room import Room, consent
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PING = said("echo", action="ping")
_NO = said("recording", action="set_consent", consent=False)
_YES = said("recording", action="set_consent", consent=True)
_TOLD_OF_IT = told("rate_limit_exceeded", "control")
#: By how much the memory of the gateway may grow.
_ROOM_TO_GROW = 64 * 2**20


async def ticket(room: Room, name: str = "eve") -> str:
    return str((await room.site.ticket(room.room_id, room.site.token(name)))["ticket"])


async def consents(gateway: Gateway, room: Room, name: str = "eve") -> list[ConsentEvent]:
    """Return what the log says of somebody's consent in the session that is live."""
    sessions = [each for each in await gateway.history(room_stream(room.room_id)) if isinstance(each, SessionStarted)]
    said = await gateway.history(consent_stream(sessions[-1].session_id, name))
    return [each for each in said if isinstance(each, ConsentEvent)]


async def words(gateway: Gateway, room: Room, name: str = "eve") -> list[type[ConsentEvent]]:
    return [type(each) for each in await consents(gateway, room, name) if isinstance(each, ConsentSaid)]


# ------------------------------------------------------------------------------------------------------------- pings


async def test_of_5000_pings_at_once_some_are_answered_then_the_connection_ends(room: Room, gateway: Gateway) -> None:
    async with memory_sampled(gateway) as memory, raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.pour(_PING * 5000)
        frames, code = await eve.everything()
    counted = _counted(frames)
    assert code == 1008
    assert 50 <= counted["echo"] < 5000
    assert 1 <= counted["rate_limit_exceeded"] <= 10
    assert max(memory) - memory[0] < _ROOM_TO_GROW
    await gateway.until_gone(room.room_id, "eve")


async def test_one_who_says_too_much_is_told_so_once_a_second_and_may_stay(room: Room) -> None:
    eve = await room.enter("eve")
    begun = asyncio.get_running_loop().time()
    for _ in range(8):
        for _ in range(100):
            await eve.send("echo", action="ping")
        await asyncio.sleep(0.3)  # a flood that goes on for some seconds
    await eventually(lambda: _TOLD_OF_IT in eve.heard)
    took = asyncio.get_running_loop().time() - begun
    await _answered_again(eve)
    assert 1 <= eve.heard.count(_TOLD_OF_IT) <= took + 2


@pytest.mark.parametrize("opcode", [PING, PONG], ids=["ping", "pong"])
@pytest.mark.parametrize("reads_slowly", [False, True], ids=["reads", "does not read"])
async def test_a_flood_of_pings_and_pongs_of_the_websocket_itself_ends_the_connection(
    room: Room, gateway: Gateway, opcode: int, *, reads_slowly: bool
) -> None:
    async with (
        memory_sampled(gateway) as memory,
        raw_connection(room.site.signaling(), await ticket(room), reads_slowly=reads_slowly) as eve,
    ):
        await eve.join("Eve")
        reading = asyncio.create_task(asyncio.sleep(0, ([], None)) if reads_slowly else eve.everything(30))
        for _ in range(16):
            await eve.pour(frame(opcode, b"x" * 125) * 8000, within=1)
        _, code = await reading
        # Whoever floods may be cut off before they have read why.
        assert code in {1008, None}
        await gateway.until_gone(room.room_id, "eve")
    assert max(memory) - memory[0] < _ROOM_TO_GROW


async def test_hundreds_of_pings_are_answered(room: Room) -> None:
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.write(b"".join(frame(PING, b"%d" % number) for number in range(300)))
        assert [(await eve.frame()).payload for _ in range(300)] == [b"%d" % number for number in range(300)]


async def test_one_who_was_sent_away_and_does_not_stop_is_not_listened_to(room: Room, gateway: Gateway) -> None:
    async with memory_sampled(gateway) as memory, raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        for _ in range(20):
            await eve.pour(_PING * 20_000, within=1)
        await gateway.until_gone(room.room_id, "eve")
    assert max(memory) - memory[0] < _ROOM_TO_GROW


# ----------------------------------------------------------------------------------------------------------- consent


async def test_a_withdrawal_in_the_middle_of_a_flood_is_in_the_log(room: Room, gateway: Gateway) -> None:
    mona, eve = await room.enter("mona", "moderator"), await room.enter("eve")
    await consent(eve, seen_by=[mona])
    for _ in range(600):
        await eve.send("echo", action="ping")
    await eve.send("recording", action="set_consent", consent=False)
    for _ in range(300):
        await eve.send("echo", action="ping")
    await mona.expect("control", "update", id="eve", recording={"consents_recording": False})
    assert await words(gateway, room) == [ConsentGiven, ConsentWithdrawn]


async def test_a_withdrawal_before_a_flood_that_ends_the_connection_is_in_the_log(room: Room, gateway: Gateway) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.write(_YES)
        await mona.expect("control", "update", id="eve", recording={"consents_recording": True})
        await eve.pour(_PING * 500 + _NO + _PING * 4500)
        assert await eve.close_code() == 1008
    await eventually(partial(_said, gateway, room, [ConsentGiven, ConsentWithdrawn]))


async def test_a_withdrawal_in_one_breath_with_coming_in_and_going_is_in_the_log(
    keeping_room: Room, gateway: Gateway
) -> None:
    # Given somebody who consented and went, in a room that keeps consent
    mona, before = await keeping_room.enter("mona", "moderator"), await keeping_room.enter("eve")
    await consent(before, seen_by=[mona])
    await before.hang_up()
    await mona.expect("control", "left", id="eve")

    # When all that they say next cannot be answered any more
    async with raw_connection(keeping_room.site.signaling(), await ticket(keeping_room)) as eve:
        join = said("control", action="join", display_name="Eve")
        await eve.write(_PING + join + _NO + frame(CLOSE, b"\x03\xe8"))
        await eve.everything()

    # Then they have said it
    await eventually(partial(_said, gateway, keeping_room, [ConsentGiven, ConsentWithdrawn]))


async def test_a_withdrawal_right_before_a_breach_of_the_protocol_is_in_the_log(room: Room, gateway: Gateway) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.write(_YES)
        await mona.expect("control", "update", id="eve", recording={"consents_recording": True})
        await eve.write(_NO + frame(0x3, b"?"))
        assert await eve.close_code() == 1002
    await eventually(partial(_said, gateway, room, [ConsentGiven, ConsentWithdrawn]))


async def test_a_withdrawal_in_a_flood_by_a_later_connection_is_in_the_log(
    keeping_room: Room, gateway: Gateway
) -> None:
    # Given somebody who consented, went and came back to a room that keeps consent
    mona, before = await keeping_room.enter("mona", "moderator"), await keeping_room.enter("eve")
    await consent(before, seen_by=[mona])
    await before.hang_up()
    await mona.expect("control", "left", id="eve")

    async with raw_connection(keeping_room.site.signaling(), await ticket(keeping_room)) as eve:
        await eve.join("Eve")
        # When they withdraw amid more than is listened to
        await eve.write(_PING * 600 + _NO)

        # Then they are heard
        await mona.expect("control", "update", id="eve", recording={"consents_recording": False})
        assert await words(gateway, keeping_room) == [ConsentGiven, ConsentWithdrawn]


async def test_of_a_flood_of_consents_each_that_is_heard_is_in_the_log_in_its_order(
    room: Room, gateway: Gateway
) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.write((_YES + _NO) * 300)
        await _say_last(eve, gateway, room)
        heard = [each for each in await consents(gateway, room) if isinstance(each, ConsentSaid)]
        await eventually(lambda: len(_told_of_consent(mona)) >= len(heard), within=20)
        frames = await _so_far(eve)
    assert 50 <= len(heard) < 600
    assert [each.at for each in heard] == sorted(each.at for each in heard)
    assert _told_of_consent(mona) == [isinstance(each, ConsentGiven) for each in heard]
    assert 1 <= _counted(frames)["rate_limit_exceeded"] <= 20


# ------------------------------------------------------------------------------------------------------------- tools


async def _answered_again(flooder: Client) -> None:
    """Return when the limit lets somebody say something again, and what they said before was heard or dropped."""
    asked = 0

    async def is_answered() -> bool:
        nonlocal asked
        asked += 1
        await flooder.send("echo", action="ping", asked=asked)
        await asyncio.sleep(0.1)  # they are no flood any more
        return any(each.payload.get("asked") for each in flooder.heard)

    await eventually(is_answered, within=60)


async def _say_last(flooder: RawConnection, gateway: Gateway, room: Room) -> None:
    """Say a last yes until it is in the log: while there is too much, it is dropped; said again, it changes nothing."""
    last = said("recording", action="set_consent", consent=True, text_version="last")

    async def is_heard() -> bool:
        await flooder.write(last)
        await asyncio.sleep(0.5)  # they are no flood any more
        return await _has_said(gateway, room, "last")

    await eventually(is_heard, within=90)


async def _said(gateway: Gateway, room: Room, expected: list[type[ConsentEvent]]) -> bool:
    return await words(gateway, room) == expected


async def _has_said(gateway: Gateway, room: Room, text_version: str) -> bool:
    said = await consents(gateway, room)
    return any(isinstance(each, ConsentSaid) and each.text_version == text_version for each in said)


def _told_of_consent(watcher: Client) -> list[bool]:
    """Return what somebody was told of eve's consent, again and again."""
    updates = [each.payload for each in watcher.heard if each.payload.get("message") == "update"]
    return [each["recording"]["consents_recording"] for each in updates if each["id"] == "eve"]


async def _so_far(connection: RawConnection) -> list[Frame]:
    frames = []
    await connection.write(frame(PING, b"so far"))
    while (each := await connection.frame()).payload != b"so far":
        frames.append(each)
    return frames


def _counted(frames: list[Frame]) -> Counter[str]:
    envelopes = [json.loads(each.payload) for each in frames if each.opcode == TEXT]
    return Counter(each["payload"].get("message", each["namespace"]) for each in envelopes)
