"""Recording as the first generation of clients knows it: start, stop, started, stopped."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from tests.e2e.signaling.client import Client, Heard, refused, told
from tests.e2e.signaling.room import Room, answered, start, stop, target_of, three

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RESTARTS = 20
_WRONG_IDS: list[dict[str, Any]] = [
    {},
    {"recording_id": None},
    {"recording_id": 7},
    {"recording_id": []},
    {"recording_id": ""},
    {"recording_id": "nonsense"},
    {"recording_id": "00000000-0000-4000-8000-000000000000"},
]


async def test_everybody_is_told_of_the_start_and_the_stop_and_of_nothing_else(room: Room) -> None:
    people = mona, *_ = await three(room)
    target_id, _ = target_of(mona.welcome)

    await mona.send("recording", action="start")
    recording_id = (await mona.expect("recording", "started"))["recording_id"]
    assert str(UUID(recording_id)) == recording_id
    await _told(people, target_id, "active")
    await room.settle()
    started = [told("started", recording_id=recording_id), _updated(target_id, "active")]
    assert [each.take() for each in people] == [started] * 3

    await mona.send("recording", action="stop", recording_id=recording_id)
    await _told(people, target_id, "inactive")
    await room.settle()
    stopped = [told("stopped", recording_id=recording_id), _updated(target_id, "inactive")]
    assert [each.take() for each in people] == [stopped] * 3


async def test_who_is_no_moderator_cannot_start(room: Room) -> None:
    people = _, _, alice = await three(room)
    await alice.send("recording", action="start")
    await alice.expect("recording", "error")
    await room.settle()
    assert [each.take() for each in people] == [[], [], [refused("insufficient_permissions")]]
    assert "state" not in (await room.enter("carol")).welcome["recording"]


async def test_while_one_runs_another_start_is_refused_to_its_sender_alone(room: Room) -> None:
    people = mona, _, _ = await three(room)
    mike = await room.enter("mike", "moderator", at=1)
    recording_id = await start(mona)
    await room.started()
    room.forget()

    for moderator in (mona, mike):
        await moderator.send("recording", action="start")
        await moderator.expect("recording", "error")

    await room.settle()
    already = [refused("already_recording")]
    assert [each.take() for each in (*people, mike)] == [already, [], [], already]
    await stop(mike, recording_id)


async def test_a_double_click_starts_one_recording(room: Room) -> None:
    people = mona, _, alice = await three(room)
    await mona.send("recording", action="start")
    await mona.send("recording", action="start")

    recording_id = (await mona.expect("recording", "started"))["recording_id"]
    await room.started()
    messages = Counter(_message(each) for each in mona.take())
    assert messages == {"started": 1, "stream_updated": 1, "already_recording": 1}
    assert Counter(_message(each) for each in alice.take()) == {"started": 1, "stream_updated": 1}
    assert len(people) == 3
    await stop(mona, recording_id)


async def test_two_moderators_at_two_gateways_start_one_recording(room: Room) -> None:
    mona, _, alice = await three(room)
    mike = await room.enter("mike", "moderator", at=1)
    await room.quiet()
    await asyncio.gather(mona.send("recording", action="start"), mike.send("recording", action="start"))

    recording_id = (await alice.expect("recording", "started"))["recording_id"]
    await answered(mona)
    await answered(mike)
    await room.started()
    starts = [each for each in alice.take() if each.payload["message"] == "started"]
    errors = [each for each in mona.take() + mike.take() if each.payload["message"] == "error"]
    assert starts == [told("started", recording_id=recording_id)]
    assert errors == [refused("already_recording")]


async def test_a_stop_without_the_right_id_stops_nothing(room: Room) -> None:
    people = mona, _, alice = await three(room)
    recording_id = ""
    for running in (False, True):
        if running:
            recording_id = await start(mona)
            await room.started()
            room.forget()
        for field in _WRONG_IDS:
            await mona.send("recording", action="stop", **field)
            await mona.expect("recording", "error")
            await alice.send("recording", action="stop", **field)
            await alice.expect("recording", "error")
            answers = mona.take(), alice.take()
            assert (field, *answers) == (
                field,
                [refused("invalid_recording_id")],
                [refused("insufficient_permissions")],
            )
        await room.settle()
        assert [each.take() for each in people] == [[], [], []]
    await stop(mona, recording_id)


async def test_who_is_no_moderator_cannot_stop_even_with_the_right_id(room: Room) -> None:
    people = mona, _, alice = await three(room)
    recording_id = await start(mona)
    await room.started()
    room.forget()
    await alice.send("recording", action="stop", recording_id=recording_id)
    await alice.expect("recording", "error")
    await room.settle()
    assert [each.take() for each in people] == [[], [], [refused("insufficient_permissions")]]
    await stop(mona, recording_id)


async def test_any_moderator_may_stop(room: Room) -> None:
    mona, _, alice = await three(room)
    mike = await room.enter("mike", "moderator", at=1)
    recording_id = await start(mona)
    await stop(mike, recording_id)
    for each in (mona, alice):
        await each.expect("recording", "stopped", recording_id=recording_id)


async def test_a_stopped_recording_cannot_be_stopped_again(room: Room) -> None:
    mona, _, alice = await three(room)
    recording_id = await start(mona)
    await mona.send("recording", action="stop", recording_id=recording_id)
    await mona.send("recording", action="stop", recording_id=recording_id)
    for heard in (told("stopped", recording_id=recording_id), refused("invalid_recording_id")):
        await mona.find(heard.__eq__, f"{heard}", since=0)
    await alice.expect("recording", "stopped")
    await answered(mona)
    await room.settle()
    assert Counter(_message(each) for each in mona.take())["invalid_recording_id"] == 1
    assert Counter(_message(each) for each in alice.take())["stopped"] == 1

    second = await start(mona)
    await mona.send("recording", action="stop", recording_id=recording_id)
    await mona.expect("recording", "error", error="invalid_recording_id")
    await stop(mona, second)


async def test_a_start_upon_seeing_stopped_succeeds(room: Room) -> None:
    moderators = await room.enter("mona", "moderator"), await room.enter("mike", "moderator", at=1)
    await moderators[0].send("recording", action="start")
    ids = []
    for turn in range(_RESTARTS):
        here, there = moderators[turn % 2], moderators[(turn + 1) % 2]
        started = await here.expect("recording", "started")
        assert await there.expect("recording", "started") == started
        ids.append(started["recording_id"])
        await here.send("recording", action="stop", recording_id=ids[-1])
        await there.expect("recording", "stopped", recording_id=ids[-1])
        await there.send("recording", action="start")  # at once, by whoever has just been told, at the other gateway
        await here.expect("recording", "stopped", recording_id=ids[-1])

    last = (await moderators[0].expect("recording", "started"))["recording_id"]
    assert len({*ids, last}) == _RESTARTS + 1
    assert not [each for moderator in moderators for each in moderator.heard if each.payload["message"] == "error"]
    await stop(moderators[0], last)


async def _told(people: tuple[Client, ...], target_id: str, status: str) -> None:
    for each in people:
        await each.expect("recording", "stream_updated", target_id=target_id, status=status)


def _updated(target_id: str, status: str) -> Heard:
    return told("stream_updated", target_id=target_id, status=status)


def _message(heard: Heard) -> str:
    return str(heard.payload["error"] if heard.payload["message"] == "error" else heard.payload.get("message"))
