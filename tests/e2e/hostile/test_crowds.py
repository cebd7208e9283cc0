"""Very many people who come at once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

import pytest

from shared.contracts.room import ParticipantJoined, ParticipantLeft, room_stream
from tests.e2e.hostile.crowd import Attendee, Crowd
from tests.e2e.hostile.gateway import Gateway, memory_sampled
from tests.e2e.signaling.room import Room
from tests.support.eventually import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

#: There everybody is told of everybody, 90 000 times in all.
_IN_ONE_ROOM = 300
_IN_MANY_ROOMS, _ROOMS = 1000, 50
_MIB = 2**20
_THOSE_WHO_STAY = ["speaker", "witness"]


async def test_three_hundred_people_come_at_once_into_one_room(
    room: Room, gateway: Gateway, stack: AsyncExitStack
) -> None:
    async with memory_sampled(gateway) as memory:
        crowd = await Crowd.connect(room.site, [room.room_id] * _IN_ONE_ROOM, stack)
        await crowd.join()

        everybody = sorted([*_THOSE_WHO_STAY, *(each.name for each in crowd.attendees)])
        for each in crowd.attendees:
            others = [name for name in everybody if name != each.name]
            await eventually(partial(_has_seen, each, len(others)), within=120)
            assert sorted(each.seen) == others

        await crowd.leave()
        await eventually(lambda: _all_gone(gateway, room, _IN_ONE_ROOM), within=60)
    assert max(memory) - memory[0] < 100 * _MIB


async def test_a_thousand_people_come_at_once_into_fifty_rooms(
    room: Room, gateway: Gateway, stack: AsyncExitStack
) -> None:
    rooms = [await room.site.create_room() for _ in range(_ROOMS)]
    async with memory_sampled(gateway) as memory:
        crowd = await Crowd.connect(room.site, rooms * (_IN_MANY_ROOMS // _ROOMS), stack)
        await crowd.join()

        for number, each in enumerate(crowd.attendees):
            others = sorted(other.name for other in crowd.attendees[number % _ROOMS :: _ROOMS] if other is not each)
            await eventually(partial(_has_seen, each, len(others)), within=120)
            assert sorted(each.seen) == others

        await crowd.leave()
    assert max(memory) - memory[0] < 300 * _MIB


def _has_seen(attendee: Attendee, others: int) -> bool:
    return len(attendee.seen) >= others


async def _all_gone(gateway: Gateway, room: Room, count: int) -> bool:
    events = await gateway.history(room_stream(room.room_id))
    came = [each.participant_id for each in events if isinstance(each, ParticipantJoined)]
    left = [each.participant_id for each in events if isinstance(each, ParticipantLeft)]
    return len(left) == count and sorted(came) == sorted([*left, *_THOSE_WHO_STAY])
