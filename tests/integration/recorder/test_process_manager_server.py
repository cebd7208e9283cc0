"""What a recorder does of itself about recordings that a server asked for, whoever runs and whoever comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.recorder.handlers import ParticipantRecordingStreams
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStopRequested,
    StartParticipantRecording,
)
from shared.contracts.room import RoomCreated
from shared.eventsourcing.codec import Context
from tests.support.coordination import Coordination
from tests.support.moments import at

OWN = "0123456789abcdef01234567"


async def asks(meeting: Coordination, who: str, *, present: bool = False, **more: Any) -> None:
    """Let a server ask for somebody's recording."""
    about = {"room_id": "r", "session_id": "s", "participant_id": who, "participant_recording_id": OWN}
    command = StartParticipantRecording(at=meeting.now, **about, consents=True, present=present, **more)
    streams = ParticipantRecordingStreams(meeting.log, timedelta(seconds=60))
    await streams.give(command, Context.begin("server:key"))


async def test_who_is_waited_for_is_recorded_when_they_join_as_the_server_asked(coordinated: Coordination) -> None:
    await coordinated.session("bob")
    await asks(coordinated, "ann", storage_prefix="team", webhook_url="https://example.org/hook")
    await coordinated.until(ParticipantRecordingAwaited)
    await coordinated.considered()
    assert await coordinated.told(ParticipantRecordingRequested) == []
    coordinated.passes(30)
    await coordinated.joins("ann")
    (asked,) = await coordinated.until(ParticipantRecordingRequested)
    assert (asked.participant_recording_id, asked.at, asked.awaited) == (OWN, at(30), True)
    assert (asked.recording_id, asked.storage_prefix) == (None, "team")
    assert asked.webhook_url == "https://example.org/hook"


async def test_who_does_not_join_in_time_is_not_waited_for_any_more(coordinated: Coordination) -> None:
    await coordinated.session("bob")
    await asks(coordinated, "ann")
    await coordinated.until(ParticipantRecordingAwaited)
    coordinated.passes(59.9)
    await coordinated.considered()
    assert await coordinated.told(ParticipantRecordingFailed) == []
    coordinated.passes(0.1)
    (failed,) = await coordinated.until(ParticipantRecordingFailed)
    assert (failed.reason, failed.at) == ("participant did not come", at(60))


async def test_two_recorders_request_it_once(meeting: Coordination) -> None:
    async with meeting.recorder(), meeting.recorder():
        await meeting.session()
        await asks(meeting, "ann")
        await meeting.joins("ann")
        await meeting.until(ParticipantRecordingRequested)
        await meeting.considered()
    assert len(await meeting.told(ParticipantRecordingRequested)) == 1


async def test_a_recorder_that_starts_anew_goes_on_waiting(meeting: Coordination) -> None:
    async with meeting.recorder():
        await meeting.session()
        await asks(meeting, "ann")
        await meeting.considered()
    await meeting.joins("ann")
    await meeting.pass_on()
    async with meeting.recorder():
        (asked,) = await meeting.until(ParticipantRecordingRequested)
    assert asked.participant_recording_id == OWN


async def test_the_end_of_the_session_ends_it_there(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await asks(coordinated, "ann", present=True)
    await coordinated.writes("ann", OWN)
    coordinated.passes(60)
    await coordinated.ends()
    coordinated.passes(5)
    (stop,) = await coordinated.until(ParticipantRecordingStopRequested)
    assert (stop.participant_recording_id, stop.at) == (OWN, at(60))


async def test_the_stop_of_a_room_recording_leaves_it_alone(coordinated: Coordination) -> None:
    """Zoe's file is asked to stop: whatever else was to, would have been by then."""
    await coordinated.session("ann", "zoe")
    await asks(coordinated, "ann", present=True)
    await coordinated.writes("ann", OWN)
    await coordinated.starts()
    (_, zoes) = await coordinated.until(ParticipantRecordingRequested, 2)
    assert zoes.participant_id == "zoe"
    await coordinated.writes("zoe", zoes.participant_recording_id)
    await coordinated.stops()
    await coordinated.until(ParticipantRecordingStopRequested)
    await coordinated.considered()
    stops = await coordinated.told(ParticipantRecordingStopRequested)
    assert [stop.participant_id for stop in stops] == ["zoe"]


@pytest.mark.parametrize("prefix", ["", "team/meetings"])
async def test_the_files_of_a_room_recording_go_where_its_room_says(coordinated: Coordination, prefix: str) -> None:
    await coordinated.happens(RoomCreated(at=at(), room_id="other", storage_prefix="elsewhere"))
    await coordinated.happens(RoomCreated(at=at(), room_id="r", storage_prefix=prefix))
    await coordinated.session("ann")
    await coordinated.starts()
    (asked,) = await coordinated.until(ParticipantRecordingRequested)
    assert asked.storage_prefix == prefix
