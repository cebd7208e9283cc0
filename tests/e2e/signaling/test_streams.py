"""Recording as the second generation of clients knows it: one target that is started, paused and stopped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.signaling.client import Client, Heard, refused, told
from tests.e2e.signaling.room import Room, answered, start, stop, target_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_NOBODYS = "00000000-0000-4000-8000-000000000000"
_ACTIONS = ("start_stream", "pause_stream", "stop_stream")


async def test_one_target_is_started_paused_resumed_and_stopped_for_both_generations(room: Room) -> None:
    people, target_id = await _three(room)
    mona = people[0]

    await _do(mona, "start_stream", target_id)
    heard = await _all_told(room, people, target_id, "active")
    recording_id = heard[0].payload["recording_id"]
    assert heard == [told("started", recording_id=recording_id), _updated(target_id, "active")]

    await _do(mona, "pause_stream", target_id)
    assert await _all_told(room, people, target_id, "paused") == [_updated(target_id, "paused")]
    await _do(mona, "start_stream", target_id)
    assert await _all_told(room, people, target_id, "active") == [_updated(target_id, "active")]

    await _do(mona, "stop_stream", target_id)
    heard = await _all_told(room, people, target_id, "inactive")
    assert heard == [told("stopped", recording_id=recording_id), _updated(target_id, "inactive")]


async def test_what_is_so_already_is_no_error(room: Room) -> None:
    people, target_id = await _three(room)
    mona = people[0]
    await _do(mona, "start_stream", target_id)
    await _all_told(room, people, target_id, "active")

    await _do(mona, "start_stream", target_id)
    await _nothing(room, mona, people)
    await _do(mona, "pause_stream", target_id)
    await _all_told(room, people, target_id, "paused")
    await _do(mona, "pause_stream", target_id)
    await _nothing(room, mona, people)
    await _do(mona, "stop_stream", target_id)
    await _all_told(room, people, target_id, "inactive")


@pytest.mark.parametrize("field", [{}, {"target_ids": []}], ids=["omitted", "empty"])
async def test_a_start_of_no_target_does_nothing(room: Room, field: dict[str, Any]) -> None:
    people, _ = await _three(room)
    await people[0].send("recording", action="start_stream", **field)
    await _nothing(room, people[0], people)
    assert target_of((await room.enter("late")).welcome)[1]["status"] == "inactive"


async def test_only_moderators_may(room: Room) -> None:
    people, target_id = await _three(room)
    alice = people[2]
    for action in _ACTIONS:
        for target_ids in ([target_id], [_NOBODYS], ["nonsense"], "nonsense"):
            await alice.send("recording", action=action, target_ids=target_ids)
            await alice.expect("recording", "error")
    await room.settle()
    assert [each.take() for each in people] == [[], [], [refused("insufficient_permissions")] * 12]


@pytest.mark.parametrize("action", _ACTIONS)
async def test_one_unknown_target_refuses_the_whole_command(room: Room, action: str) -> None:
    people, target_id = await _three(room)
    mona = people[0]
    bad: list[Any] = [[_NOBODYS], [target_id, _NOBODYS], ["nonsense"], [7], "nonsense", 7, {}]
    for target_ids in bad:
        await mona.send("recording", action=action, target_ids=target_ids)
        await mona.expect("recording", "error")
    await room.settle()
    assert [each.take() for each in people] == [[refused("invalid_streaming_id")] * 7, [], []]


async def test_what_has_not_started_is_neither_paused_nor_stopped(room: Room) -> None:
    people, target_id = await _three(room)
    for action in ("pause_stream", "stop_stream"):
        await _do(people[0], action, target_id)
        await people[0].expect("recording", "error")
    await room.settle()
    assert [each.take() for each in people] == [[refused("recorder_not_started")] * 2, [], []]


async def test_while_paused_it_is_a_recording_that_may_be_stopped(room: Room) -> None:
    people, target_id = await _three(room)
    mona = people[0]
    recording_id = await start(mona)  # as the first generation starts it
    await _all_told(room, people, target_id, "active")
    await _do(mona, "pause_stream", target_id)
    await _all_told(room, people, target_id, "paused")

    late = await room.enter("late", at=1)
    assert late.welcome["recording"] == {
        "state": "recording",
        "status": "recording",
        "recording_id": recording_id,
        "targets": {target_id: {"name": "Recording", "streaming_kind": "recording", "status": "paused"}},
        "withdrawal_policy": "keep",
        "consent_policy": "clear",
        "consents_recording": False,
        "started_at": late.welcome["recording"]["started_at"],
    }
    await room.quiet()
    await mona.send("recording", action="start")
    await mona.expect("recording", "error", error="already_recording")
    await mona.send("recording", action="stop", recording_id=recording_id)
    await late.expect("recording", "stopped", recording_id=recording_id)
    await late.expect("recording", "stream_updated", target_id=target_id, status="inactive")


async def test_a_paused_stream_may_be_stopped_by_another_moderator(room: Room) -> None:
    people, target_id = await _three(room)
    mike = await room.enter("mike", "moderator", at=1)
    await _do(people[0], "start_stream", target_id)
    await mike.expect("recording", "stream_updated", status="active")
    await _do(mike, "pause_stream", target_id)
    await mike.expect("recording", "stream_updated", status="paused")
    await _do(mike, "stop_stream", target_id)
    await people[0].expect("recording", "stopped")
    await people[0].expect("recording", "stream_updated", status="inactive")


async def test_a_double_click_starts_one_recording(room: Room) -> None:
    people, target_id = await _three(room)
    mona = people[0]
    await _do(mona, "start_stream", target_id)
    await _do(mona, "start_stream", target_id)
    heard = await _all_told(room, people, target_id, "active")
    assert [each.payload["message"] for each in heard] == ["started", "stream_updated"]
    await stop(mona, heard[0].payload["recording_id"])


async def test_every_room_has_a_target_of_its_own_that_stays(room: Room) -> None:
    another = await room.another()
    first = target_of((await room.enter("mona", "moderator")).welcome)[0]
    mike = await another.enter("mike", "moderator", at=1)
    assert target_of(mike.welcome)[0] != first
    await _do(mike, "start_stream", first)
    await mike.expect("recording", "error", error="invalid_streaming_id")
    assert target_of((await room.enter("alice", at=1)).welcome)[0] == first


async def _three(room: Room) -> tuple[tuple[Client, Client, Client], str]:
    """Mona, who moderates, and Bob; Alice at the other gateway; and the room's target."""
    people = await room.enter("mona", "moderator"), await room.enter("bob"), await room.enter("alice", at=1)
    await room.quiet()
    return people, target_of(people[0].welcome)[0]


async def _do(client: Client, action: str, target_id: str) -> None:
    await client.send("recording", action=action, target_ids=[target_id])


async def _all_told(room: Room, people: tuple[Client, ...], target_id: str, status: str) -> list[Heard]:
    """Return what all of them were told, which is the same, once they were told that."""
    for each in people:
        await each.expect("recording", "stream_updated", target_id=target_id, status=status)
    await answered(people[0])
    await room.settle()
    heard = [each.take() for each in people]
    assert heard[1:] == heard[:-1]
    return heard[0]


async def _nothing(room: Room, sender: Client, people: tuple[Client, ...]) -> None:
    await answered(sender)
    await room.settle()
    assert [each.take() for each in people] == [[]] * len(people)


def _updated(target_id: str, status: str) -> Heard:
    return told("stream_updated", target_id=target_id, status=status)
