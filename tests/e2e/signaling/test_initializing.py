"""What is seen while a recording was asked for and no recorder answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.e2e.signaling.client import Client, Heard, refused, told
from tests.e2e.signaling.conftest import Processes
from tests.e2e.signaling.room import Room, answered, forget, stop, target_of
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: A start is given up after 5 s; this is when a test gives up on that. What holds until then is asked in one breath.
_GIVEN_UP_SECONDS = 60
_TIMEOUT = told("recorder_error", error="timeout")


@pytest_asyncio.fixture(loop_scope="session")
async def wake_recorder(processes: Processes) -> AsyncIterator[Callable[[], None]]:
    """The recorder's process stands still until this is called. Tests of a worker take turns: no other is disturbed."""

    def wake() -> None:
        os.kill(processes.recorder.pid, signal.SIGCONT)

    os.kill(processes.recorder.pid, signal.SIGSTOP)
    try:
        yield wake
    finally:
        wake()


@pytest.mark.usefixtures("wake_recorder")
async def test_who_comes_meanwhile_is_told_that_it_is_initializing(room: Room) -> None:
    mona, _, _ = await _three(room)
    target_id, _ = target_of(mona.welcome)
    late = [await room.connect(room.site.token(f"late{at}"), at) for at in (0, 1)]

    await mona.send("recording", action="start")
    await _refused_to_start(mona)

    initializing = {
        "state": "initializing",
        "status": "initializing",
        "targets": {target_id: {"name": "Recording", "streaming_kind": "recording", "status": "starting"}},
        "withdrawal_policy": "keep",
        "consent_policy": "clear",
        "consents_recording": False,
    }
    welcomes = await asyncio.gather(*(each.join() for each in late))
    assert [each["recording"] for each in welcomes] == [initializing] * 2


@pytest.mark.usefixtures("wake_recorder")
async def test_meanwhile_it_can_neither_be_started_nor_be_stopped_and_the_others_are_told_nothing(room: Room) -> None:
    people = mona, mike, _ = await _three(room)
    await mona.send("recording", action="start")

    for moderator in (mona, mike):  # at one gateway and at the other
        await moderator.send("recording", action="start")
        for recording_id in (str(uuid4()), "nonsense"):
            await moderator.send("recording", action="stop", recording_id=recording_id)
        await moderator.expect("recording", "error", error="already_recording")
        for _ in range(2):
            await moderator.expect("recording", "error", error="invalid_recording_id")

    await room.settle()
    expected = [refused("already_recording"), refused("invalid_recording_id"), refused("invalid_recording_id")]
    assert [each.take() for each in people] == [expected, expected, []]


async def test_after_five_seconds_the_room_is_free_again_and_nobody_is_told(
    room: Room, wake_recorder: Callable[[], None]
) -> None:
    people = mona, mike, alice = await _three(room)
    await mona.send("recording", action="start")
    await answered(mona)  # else Mike's, at the other gateway, might be the first
    await _refused_to_start(mike)
    await _until_free(room)
    await room.settle()
    assert [_recording(each) for each in people] == [[], [refused("already_recording")], []]

    # What was given up stays so when the recorder is back, and a new start succeeds
    wake_recorder()
    recording_id = await _start_once_awake(mike)
    await stop(mona, recording_id)
    await alice.expect("recording", "stopped")
    await room.settle()
    starts = [each for each in alice.take() if each.payload["message"] == "started"]
    assert starts == [told("started", recording_id=recording_id)]


async def test_after_five_seconds_whoever_asked_for_a_stream_is_told_alone(
    room: Room, wake_recorder: Callable[[], None]
) -> None:
    people = mona, mike, _ = await _three(room)
    target_id, _ = target_of(mona.welcome)

    await mona.send("recording", action="start_stream", target_ids=[target_id])
    await mona.find(_TIMEOUT.__eq__, f"{_TIMEOUT}", since=0)

    await _until_free(room)
    await room.settle()
    assert [_recording(each) for each in people] == [[_TIMEOUT], [], []]
    wake_recorder()
    await stop(mike, await _start_once_awake(mike))


async def test_a_starting_stream_is_no_error_to_start_not_to_be_paused_and_may_be_stopped(
    room: Room, wake_recorder: Callable[[], None]
) -> None:
    mona, mike, alice = await _three(room)
    target_id, _ = target_of(mona.welcome)
    await mona.send("recording", action="start_stream", target_ids=[target_id])
    await answered(mona)

    await mike.send("recording", action="start")
    for action in ("start_stream", "pause_stream", "stop_stream"):
        await mike.send("recording", action=action, target_ids=[target_id])
    await mike.expect("recording", "error", error="recorder_not_started")
    assert _recording(mike) == [refused("already_recording"), refused("recorder_not_started")]

    await _until_free(room)
    assert _TIMEOUT not in mona.heard
    wake_recorder()
    recording_id = await _start_once_awake(mike)
    await stop(mona, recording_id)
    await alice.expect("recording", "stopped", recording_id=recording_id)
    starts = [each for each in alice.take() if each.payload["message"] == "started"]
    assert starts == [told("started", recording_id=recording_id)]


async def _three(room: Room) -> tuple[Client, Client, Client]:
    """Mona and Mike moderate, at one gateway and the other; Alice."""
    people = (
        await room.enter("mona", "moderator"),
        await room.enter("mike", "moderator", at=1),
        await room.enter("alice", at=1),
    )
    await room.quiet()
    return people


def _recording(client: Client) -> list[Heard]:
    return [each for each in client.heard if each.namespace == "recording"]


async def _refused_to_start(moderator: Client) -> None:
    await moderator.send("recording", action="start")
    await moderator.expect("recording", "error", error="already_recording")


async def _start_once_awake(moderator: Client) -> str:
    """Start until the recorder takes it, which was just woken: the first may be given up as well. Return the id."""

    async def has_started() -> bool:
        await moderator.send("recording", action="start")
        await asyncio.sleep(0.5)  # for the recorder
        return any(each.payload["message"] == "started" for each in _recording(moderator))

    await eventually(has_started, _GIVEN_UP_SECONDS)
    return str((await moderator.expect("recording", "started"))["recording_id"])


async def _until_free(room: Room) -> None:
    """Wait until whoever comes is told, at both gateways, that the target is inactive."""
    for at in (0, 1):

        async def is_free(at: int = at) -> bool:
            return await _seen(room, at) == "inactive"

        await eventually(is_free, _GIVEN_UP_SECONDS)


async def _seen(room: Room, at: int) -> str:
    """Return the target's status as somebody is told who just looks in; nobody remembers them."""
    visitor = await room.enter("visitor", at=at)
    await visitor.hang_up()
    room.people.remove(visitor)
    for each in room.people:
        for message in ("joined", "left"):
            await forget(each, {"message": message, "id": "visitor"})
    return str(target_of(visitor.welcome)[1]["status"])
