"""What a recording outlives, what it ends with, and what is seen of it by who comes later."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.client import Client
from tests.e2e.signaling.conftest import Processes
from tests.e2e.signaling.room import IDLE, Room, consent, peer, start, stop, target_of, three

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_comes_later_is_told_what_is_running(room: Room) -> None:
    mona, _, alice = await three(room)
    target_id, _ = target_of(mona.welcome)
    await consent(alice, seen_by=[mona])
    recording_id = await start(mona)
    await room.started()
    room.forget()

    for at in (0, 1):
        late = await room.enter(f"late{at}", at=at)
        assert late.welcome["recording"] == {
            "state": "recording",
            "status": "recording",
            "recording_id": recording_id,
            "targets": {target_id: {"name": "Recording", "streaming_kind": "recording", "status": "active"}},
            "withdrawal_policy": "keep",
            "consent_policy": "clear",
            "consents_recording": False,
            "started_at": late.welcome["recording"]["started_at"],
        }
        assert peer(late.welcome, "alice")["recording"] == {"consents_recording": True}
        assert peer(late.welcome, "mona")["recording"] == {"consents_recording": False}
        await late.echo()
        assert late.take() == []
    await stop(mona, recording_id)
    late = await room.enter("later", at=1)
    assert late.welcome["recording"].keys() == IDLE


async def test_the_recorder_is_in_nobodys_roster(room: Room) -> None:
    mona, _, alice = await three(room)
    await consent(alice, seen_by=[mona])
    recording_id = await start(mona)
    await room.started()
    room.forget()

    carol = await room.enter("carol", at=1)

    assert {each["id"] for each in carol.welcome["participants"]} == {"mona", "bob", "alice"}
    await stop(mona, recording_id)
    await room.settle()
    messages = {each.payload["message"] for each in alice.take()}
    assert messages == {"joined", "stopped", "stream_updated"}  # who joined is Carol


async def test_a_recording_goes_on_when_who_started_it_leaves(room: Room) -> None:
    mona, _, alice = await three(room)
    recording_id = await start(mona)
    await mona.hang_up()
    await alice.expect("control", "left", id="mona")
    await room.settle()
    assert "stopped" not in {each.payload["message"] for each in alice.take()}
    mike = await room.enter("mike", "moderator")
    assert mike.welcome["recording"]["recording_id"] == recording_id
    await stop(mike, recording_id)


async def test_a_recording_ends_with_the_last_one_who_leaves(room: Room, processes: Processes) -> None:
    # Given a recording, and somebody who was there earlier and has left
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")
    recording_id = await start(mona)

    # When the last one leaves, and another session begins
    await mona.hang_up()
    mona = await _new_session(room, recording_id)

    # Then nothing is being recorded, in the room or in the log, and the room is free
    assert mona.welcome["recording"].keys() == IDLE
    await mona.send("recording", action="stop", recording_id=recording_id)
    await mona.expect("recording", "error", error="invalid_recording_id")
    second = await start(mona)
    assert second != recording_id
    await stop(mona, second)
    states = await processes.replay(f"--recording {recording_id}")
    [recording] = [state for stream, state in states.items() if stream.startswith("recording-")]
    assert recording["running"] is None


async def test_rooms_record_apart(room: Room) -> None:
    another = await room.another()
    mona = await room.enter("mona", "moderator")
    mike = await another.enter("mike", "moderator")
    first, second = await start(mona), await start(mike)
    await room.started()
    room.forget()
    await mike.send("recording", action="stop", recording_id=first)
    await mike.expect("recording", "error", error="invalid_recording_id")
    await stop(mike, second)
    await another.settle()
    await room.settle()
    assert mona.take() == []
    await stop(mona, first)


async def test_a_recording_whose_recorder_was_killed_can_be_stopped_when_it_is_back(
    room: Room, processes: Processes
) -> None:
    mona, _, alice = await three(room)
    await consent(alice, seen_by=[mona])
    recording_id = await start(mona)
    try:
        await processes.recorder.kill()
    finally:
        await processes.recorder.start()
    # Whether it has ended by itself meanwhile is not laid down; that it is over after this is.
    await mona.send("recording", action="stop", recording_id=recording_id)
    for each in (mona, alice):
        await each.expect("recording", "stopped", recording_id=recording_id)
    await stop(mona, await start(mona))


async def _new_session(room: Room, recording_id: str) -> Client:
    """Let Mona in once the last session has ended, which may be a moment after all have hung up."""
    for _ in range(50):
        mona = await room.enter("mona", "moderator")
        if mona.welcome["recording"].get("recording_id") != recording_id:
            return mona
        await mona.hang_up()
    raise AssertionError("the session and its recording went on with nobody in it")
