"""What a recorder does of itself: whatever has to follow is done, once, whoever runs and whatever fails meanwhile."""

from __future__ import annotations

import pytest

from shared.contracts.consent import ConsentGiven
from shared.contracts.participant_recording import (
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStopRequested,
)
from shared.contracts.recording import RecordingFailed, RecordingStarted, RecordingStopped
from tests.support.coordination import Coordination
from tests.support.moments import at


async def test_everybody_who_is_present_and_consents_is_recorded(coordinated: Coordination) -> None:
    await coordinated.session("ann", "bob")
    await coordinated.starts()
    asked = await coordinated.until(ParticipantRecordingRequested, 2)
    assert sorted(event.participant_id for event in asked) == ["ann", "bob"]
    assert {event.recording_id for event in asked} == {"rec"}


async def test_whoever_comes_or_consents_later_is_recorded_from_then_on(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await coordinated.starts()
    await coordinated.until(ParticipantRecordingRequested, 1)
    await coordinated.joins("bob")
    asked = await coordinated.until(ParticipantRecordingRequested, 2)
    assert [event.participant_id for event in asked] == ["ann", "bob"]


async def test_nobody_is_recorded_who_did_not_consent(coordinated: Coordination) -> None:
    """Zoe is asked for last: whoever else was to be recorded would be in the log by then."""
    await coordinated.session()
    await coordinated.joins("ann", consents=False)
    await coordinated.joins("bob", consents=None)
    await coordinated.joins("zoe")
    await coordinated.starts()
    asked = await coordinated.until(ParticipantRecordingRequested)
    assert [event.participant_id for event in asked] == ["zoe"]


async def test_nobody_is_recorded_before_a_worker_is_ready(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await coordinated.starts(confirmed=False)
    coordinated.passes(5)
    await coordinated.until(RecordingFailed)
    assert await coordinated.told(ParticipantRecordingRequested) == []


async def test_that_a_file_is_asked_for_comes_of_what_made_it_due(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await coordinated.starts()
    await coordinated.until(ParticipantRecordingRequested)
    await coordinated.joins("bob")
    await coordinated.until(ParticipantRecordingRequested, 2)
    (started,) = await coordinated.stored(RecordingStarted)
    (_, bobs_yes) = await coordinated.stored(ConsentGiven)
    anns, bobs = await coordinated.stored(ParticipantRecordingRequested)
    assert (anns.causation_id, anns.correlation_id) == (started.id, started.correlation_id)
    assert (bobs.causation_id, bobs.correlation_id) == (bobs_yes.id, bobs_yes.correlation_id)


async def test_two_recorders_side_by_side_ask_for_each_recording_once(meeting: Coordination) -> None:
    everybody = [f"guest{number}" for number in range(20)]
    async with meeting.recorder(), meeting.recorder():
        await meeting.session(*everybody)
        await meeting.starts()
        for event in await meeting.until(ParticipantRecordingRequested, 20):
            await meeting.writes(event.participant_id, event.participant_recording_id)
        await meeting.stops()
        await meeting.until(ParticipantRecordingStopRequested, 20)
    asked = await meeting.told(ParticipantRecordingRequested)
    assert sorted(event.participant_id for event in asked) == sorted(everybody)
    assert len(await meeting.told(ParticipantRecordingStopRequested)) == 20


async def test_when_a_recording_stops_its_files_end_at_that_moment(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await coordinated.starts()
    (asked,) = await coordinated.until(ParticipantRecordingRequested)
    await coordinated.writes("ann", asked.participant_recording_id)
    coordinated.passes(60)
    await coordinated.stops()
    (stop,) = await coordinated.until(ParticipantRecordingStopRequested)
    assert (stop.participant_recording_id, stop.at) == (asked.participant_recording_id, at(60))


async def test_the_end_of_the_session_stops_the_recording_and_its_files(coordinated: Coordination) -> None:
    await coordinated.session("ann")
    await coordinated.starts()
    (asked,) = await coordinated.until(ParticipantRecordingRequested)
    await coordinated.writes("ann", asked.participant_recording_id)
    coordinated.passes(60)
    await coordinated.ends()
    (stopped,) = await coordinated.until(RecordingStopped)
    assert (stopped.at, stopped.reason) == (at(60), "session_ended")
    (stop,) = await coordinated.until(ParticipantRecordingStopRequested)
    assert stop.at == at(60)


async def test_a_second_recording_records_only_who_has_said_yes_again(coordinated: Coordination) -> None:
    """Zoe consents last: whoever else was to be recorded would be in the log by then."""
    await coordinated.session("ann")
    await coordinated.starts()
    await coordinated.until(ParticipantRecordingRequested)
    coordinated.passes(60)
    await coordinated.stops()
    await coordinated.until(ParticipantRecordingFailed)
    coordinated.passes(0.005)
    await coordinated.starts("again")
    await coordinated.considered()
    await coordinated.joins("zoe")
    asked = await coordinated.until(ParticipantRecordingRequested, 2)
    assert [(event.participant_id, event.recording_id) for event in asked] == [("ann", "rec"), ("zoe", "again")]


async def test_where_consent_is_kept_a_second_recording_records_the_same_people(coordinated: Coordination) -> None:
    await coordinated.session("ann", consent_policy="keep")
    await coordinated.starts()
    await coordinated.until(ParticipantRecordingRequested)
    coordinated.passes(60)
    await coordinated.stops()
    await coordinated.starts("again")
    asked = await coordinated.until(ParticipantRecordingRequested, 2)
    assert [(event.participant_id, event.recording_id) for event in asked] == [("ann", "rec"), ("ann", "again")]


async def test_a_file_that_no_worker_takes_fails_after_five_seconds_and_is_not_asked_for_again(
    coordinated: Coordination,
) -> None:
    await coordinated.session("ann")
    await coordinated.starts()
    await coordinated.until(ParticipantRecordingRequested)
    coordinated.passes(5)
    (failed,) = await coordinated.until(ParticipantRecordingFailed)
    assert failed.reason == "no worker answered"
    await coordinated.joins("bob")
    asked = await coordinated.until(ParticipantRecordingRequested, 2)
    assert [event.participant_id for event in asked] == ["ann", "bob"]


@pytest.mark.parametrize("writes", [False, True], ids=["nothing-written", "written-but-not-told"])
async def test_what_the_log_did_not_take_is_given_again(coordinated: Coordination, writes: bool) -> None:
    await coordinated.session()
    await coordinated.starts()
    await coordinated.joins("ann")
    coordinated.log.refusals, coordinated.log.writes_before_it_refuses = (1 if writes else 3), writes
    await coordinated.until(ParticipantRecordingRequested)
    await coordinated.considered()
    assert coordinated.log.refusals == 0
    assert len(await coordinated.told(ParticipantRecordingRequested)) == 1


async def test_a_recorder_that_starts_anew_goes_on_where_the_last_one_was_and_gives_nothing_twice(
    meeting: Coordination,
) -> None:
    async with meeting.recorder():
        await meeting.session("ann")
        await meeting.starts()
        (asked,) = await meeting.until(ParticipantRecordingRequested)
        await meeting.writes("ann", asked.participant_recording_id)
    await meeting.joins("bob")
    await meeting.pass_on()
    async with meeting.recorder():
        await meeting.until(ParticipantRecordingRequested, 2)
        await meeting.considered()
    told = await meeting.told(ParticipantRecordingEvent)
    assert [(event.participant_id, event.type.split(".")[1]) for event in told] == [
        ("ann", "requested"),
        ("ann", "started"),
        ("bob", "requested"),
    ]
