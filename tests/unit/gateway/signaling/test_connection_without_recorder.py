"""Recordings that no worker has confirmed yet, and those that end by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.gateway.process_managers import room_recordings
from shared.concurrency.supervision import supervised
from shared.contracts.recording import (
    RecordingEvent,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from tests.unit.gateway.signaling.house import Gateway, House
from tests.unit.gateway.signaling.recordings import TARGETS, recording


async def test_a_start_is_in_the_log_at_once_and_nobody_told_before_a_worker_is_ready(
    house: House, gateway: Gateway
) -> None:
    mona, ann = await gateway.joined("mona", "moderator"), await gateway.joined()
    await recording(house, mona, "starting")
    for client in (mona, ann):
        await gateway.is_told(client)
        assert not {"started", "stream_updated"} & set(client.messages)
    bob = await gateway.joined("bob")
    told = (await bob.hears("join_success"))["recording"]
    assert (told["state"], told["targets"][TARGETS[0]]["status"]) == ("initializing", "starting")
    assert "recording_id" not in told


async def test_meanwhile_it_can_be_neither_started_nor_stopped_by_its_id(house: House, gateway: Gateway) -> None:
    mona, olga = await gateway.joined("mona", "moderator"), await gateway.joined("olga", "moderator")
    recording_id = await recording(house, mona, "starting")
    olga.says("recording", action="start")
    await olga.hears("recording already_recording")
    mona.says("recording", action="stop", recording_id=recording_id)
    await mona.hears("recording invalid_recording_id")
    assert [type(event) for event in await house.written(RecordingEvent)] == [RecordingRequested]


@pytest.mark.parametrize(("action", "told"), [("start_stream", True), ("start", False)])
async def test_that_no_worker_came_is_told_to_who_asked_for_a_stream(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, action: str, *, told: bool
) -> None:
    monkeypatch.setattr(room_recordings, "WORKER_ANSWERS_WITHIN", timedelta())
    mona, olga = await gateway.joined("mona", "moderator"), await gateway.joined("olga", "moderator")
    async with supervised(gateway.ends.run()):
        mona.says("recording", action=action, **({"target_ids": TARGETS} if told else {}))
        (failed,) = await house.until_written(RecordingFailed)
    assert failed.reason == "no worker answered"
    for client in (mona, olga):
        await gateway.is_told(client)
    assert ("recorder_error" in mona.messages) is told
    assert "recorder_error" not in olga.messages
    assert "recording internal" not in mona.messages


async def test_a_worker_that_comes_too_late_starts_nothing(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_recordings, "WORKER_ANSWERS_WITHIN", timedelta())
    mona = await gateway.joined("mona", "moderator")
    async with supervised(gateway.ends.run()):
        mona.says("recording", action="start")
        await house.until_written(RecordingFailed)
    mona.says("recording", action="start")
    _, second = await house.until_written(RecordingRequested, 2)
    await house.recorder_begins()
    assert (await mona.hears("started"))["recording_id"] == second.recording_id
    assert len(await house.written(RecordingStarted)) == 1


@pytest.mark.parametrize("status", ["active", "paused"])
async def test_a_recording_ends_with_its_session(house: House, gateway: Gateway, status: str) -> None:
    mona = await gateway.joined("mona", "moderator")
    await recording(house, mona, status)
    async with supervised(gateway.ends.run()):
        mona.hangs_up()
        (stopped,) = await house.until_written(RecordingStopped)
    assert (stopped.reason, stopped.requested_by) == ("session_ended", None)


async def test_a_recording_that_has_not_started_fails_when_its_session_ends(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    await recording(house, mona, "starting")
    async with supervised(gateway.ends.run()):
        mona.hangs_up()
        assert (await house.until_written(RecordingFailed))[0].reason == "the session ended"
