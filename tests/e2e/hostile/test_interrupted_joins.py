"""Connections that end in the middle of coming in, and two that come in as the same participant: never a ghost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from services.gateway.domain.room import ROOM
from shared.contracts.room import ParticipantJoined, ParticipantLeft, room_stream
from tests.e2e.hostile.gateway import Gateway
from tests.e2e.hostile.raw import CLOSE, RawConnection, frame, raw_connection, said
from tests.e2e.signaling.room import Room
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ENDS: dict[str, Callable[[RawConnection], object]] = {
    "a reset": lambda connection: connection.abort(),
    "an end without a word": lambda connection: connection.close(),
}
_TRIES = 20
_THOSE_WHO_STAY = {"speaker", "witness"}


async def ticket(room: Room, name: str) -> str:
    return str((await room.site.ticket(room.room_id, room.site.token(name)))["ticket"])


def join(name: str) -> bytes:
    return said("control", action="join", display_name=name)


@pytest.mark.parametrize("end", _ENDS)
async def test_who_is_gone_while_coming_in_has_come_and_left_or_never_came(
    room: Room, gateway: Gateway, end: str
) -> None:
    async def come_and_go(name: str, after: float) -> None:
        async with raw_connection(room.site.signaling(), await ticket(room, name)) as eve:
            await eve.write(join(name))
            await asyncio.sleep(after)  # another moment of coming in for each
            _ENDS[end](eve)

    names = [f"eve-{number}" for number in range(_TRIES)]
    await asyncio.gather(*(come_and_go(name, number * 0.004) for number, name in enumerate(names)))

    await eventually(partial(_nobody_else, gateway, room), within=30)
    for name in names:
        assert await _comings_and_goings(gateway, room, name) in ([], [ParticipantJoined, ParticipantLeft])


async def test_who_joins_and_closes_in_one_breath_has_come_and_left(room: Room, gateway: Gateway) -> None:
    async with raw_connection(room.site.signaling(), await ticket(room, "eve")) as eve:
        await eve.write(join("Eve") + frame(CLOSE, b"\x03\xe8"))
        await eve.everything()
    events = await gateway.until_gone(room.room_id, "eve")
    assert [type(each) for each in events] == [ParticipantJoined, ParticipantLeft]
    assert isinstance(events[-1], ParticipantLeft)
    assert events[-1].reason == "quit"


async def test_half_a_join_is_none(room: Room, gateway: Gateway) -> None:
    async with raw_connection(room.site.signaling(), await ticket(room, "eve")) as eve:
        await eve.write(join("Eve")[:-5])
        eve.abort()
    late = await room.enter("late")
    assert "eve" not in {each["id"] for each in late.welcome["participants"]}
    assert await _comings_and_goings(gateway, room, "eve") == []


async def test_joins_and_more_in_one_breath_are_done_in_their_order(room: Room, gateway: Gateway) -> None:
    yes, no = (said("recording", action="set_consent", consent=consents) for consents in (True, False))
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room, "eve")) as eve:
        await eve.write(yes + join("Eve") * 3 + yes + no)
        await mona.expect("control", "update", id="eve", recording={"consents_recording": True})
        await mona.expect("control", "update", id="eve", recording={"consents_recording": False})
        assert await _comings_and_goings(gateway, room, "eve") == [ParticipantJoined]
        assert (await eve.told("error"))["error"] == "not_yet_joined"
        assert [(await eve.told("error"))["error"] for _ in range(2)] == ["already_joined"] * 2


async def test_of_many_who_come_in_at_once_as_the_same_participant_one_stays(room: Room, gateway: Gateway) -> None:
    mona = await room.enter("mona", "moderator")
    tickets = [await ticket(room, "eve") for _ in range(10)]
    connections = [await room.admit(each, name="eve") for each in tickets]
    for each in connections:
        await each.send("control", action="join", display_name="Eve")
    await eventually(lambda: [each.socket.close_code for each in connections].count(1000) == 9, within=30)
    [staying] = [each for each in connections if each.socket.close_code is None]
    await staying.echo()
    assert await _present(gateway, room) == {"speaker", "witness", "mona", "eve"}

    await staying.hang_up()
    await mona.expect("control", "left", id="eve", reason="quit")
    events = await gateway.until_gone(room.room_id, "eve")
    kinds = [type(each) for each in events]
    assert kinds == [ParticipantJoined, ParticipantLeft] * (len(kinds) // 2)


# ------------------------------------------------------------------------------------------------------------- tools


async def _present(gateway: Gateway, room: Room) -> set[str]:
    events = await gateway.history(room_stream(room.room_id))
    return set(ROOM.fold(events).participants)  # type: ignore[arg-type]  # they are its events


async def _nobody_else(gateway: Gateway, room: Room) -> bool:
    return await _present(gateway, room) == _THOSE_WHO_STAY


async def _comings_and_goings(gateway: Gateway, room: Room, name: str) -> list[type[object]]:
    events = await gateway.history(room_stream(room.room_id))
    return [
        type(each)
        for each in events
        if isinstance(each, ParticipantJoined | ParticipantLeft) and each.participant_id == name
    ]
