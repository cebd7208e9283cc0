"""What the audit tells of recordings that a server asked for, and of who vouched for whom."""

from __future__ import annotations

from typing import Any

import pytest

from services.audit.lookup import RecordingNotFoundError, examine, list_recordings
from services.audit.projections.timeline import RecordingTimeline, timelines
from shared.contracts.consent import ConsentAttested
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.unit.audit.story import about, asked, begun, entries, given, joined, log_of, requested, started, withdrawn
from tests.unit.audit.test_timeline import seconds


def _of(second: float, **more: Any) -> dict[str, Any]:
    return {**about(second), "participant_recording_id": "one", **more}


ASKED = ParticipantRecordingRequested(**_of(1))
STARTED = ParticipantRecordingStarted(**_of(2), worker_id="worker")
STOPPING = ParticipantRecordingStopRequested(**_of(9))
STOPPED = ParticipantRecordingStopped(**_of(9), file=FILE)


def attested(second: float, reference: str | None = "contract 1") -> Event:
    return ConsentAttested(**about(second), attested_by="key", reference=reference)


def told(*events: Event) -> RecordingTimeline:
    (one,) = timelines(entries(*events))
    return one


def test_of_two_stops_the_earlier_counts_though_it_came_into_the_log_later() -> None:
    earlier = ParticipantRecordingStopRequested(**_of(8))
    assert told(joined(0), given(0), ASKED, STARTED, STOPPING, earlier).until == at(8)


def test_a_server_s_recording_has_a_timeline_of_its_participant_alone() -> None:
    one = told(joined(0), given(0), joined(0, "bob"), given(0, "bob"), ASKED, STARTED, STOPPING, STOPPED)
    assert (one.recording_id, one.outcome, one.begin.moment, one.until) == ("one", "stopped", at(2), at(9))
    assert one.requested_by == "participant:ann", "the actor of the request, whoever that was"
    (participant,) = one.participants
    assert participant.participant_id == "ann"
    assert seconds(participant.recorded) == [(2, 9)]
    assert [file.file for file in one.files] == [FILE]


def test_its_own_pauses_are_no_part_of_what_was_recorded() -> None:
    pauses = (ParticipantRecordingPaused(**_of(4)), ParticipantRecordingResumed(**_of(6)))
    one = told(joined(0), given(0), ASKED, STARTED, *pauses, STOPPING, STOPPED)
    assert seconds(one.pauses) == [(4, 6)]
    assert seconds(one.participants[0].recorded) == [(2, 4), (6, 9)]


def test_a_withdrawal_shows_in_it() -> None:
    one = told(joined(0), attested(0), ASKED, STARTED, withdrawn(5), STOPPING, STOPPED)
    assert seconds(one.participants[0].recorded) == [(2, 5)]
    begin = one.participants[0].consenting[0].begin
    assert begin is not None
    assert begin.what == "consent is attested by the server with key key, on its record contract 1"


def test_who_was_awaited_and_came_has_one_timeline_and_who_did_not_a_failed_one() -> None:
    awaited = ParticipantRecordingAwaited(**_of(0), until=at(60))
    came = ParticipantRecordingRequested(**_of(3), awaited=True)
    one = told(awaited, attested(0), joined(3), came, STARTED, STOPPING, STOPPED)
    assert (one.requested.moment, one.outcome) == (at(0), "stopped")
    lost = told(awaited, attested(0), ParticipantRecordingFailed(**_of(60), reason="participant did not come"))
    assert (lost.outcome, lost.failures) == ("failed", {"ann": "participant did not come"})


def test_a_refused_attempt_is_told_and_holds_nothing() -> None:
    one = told(joined(0), ParticipantRecordingRefused(**_of(1), code="consent_required"))
    assert one.outcome == "refused"
    assert one.participants[0].recorded == []


def test_each_file_of_a_track_is_listed_with_its_own_begin() -> None:
    track = {"kind": "audio"}
    one = told(
        joined(0),
        given(0),
        ParticipantRecordingRequested(**_of(1, **track)),
        ParticipantRecordingStarted(**_of(2, **track), worker_id="worker"),
        TrackFileFinished(**_of(4, **track), begin=at(3), file=FILE),
        TrackFileFinished(**_of(8, **track), begin=at(6), file=FILE),
        TrackRecordingStopped(**_of(9, **track)),
    )
    assert [(file.begin, file.ended.moment) for file in one.files if file.ended] == [(at(3), at(4)), (at(6), at(8))]
    assert one.outcome == "stopped"


def test_a_server_s_recording_beside_a_moderator_s_is_one_of_its_own() -> None:
    both = timelines(
        entries(joined(0), given(0), asked(0), begun(0), requested(0, part="whole"), started(1, part="whole"), ASKED)
    )
    assert [one.recording_id for one in both] == ["rec", "one"]
    assert [file.participant_recording_id for file in both[0].files] == ["whole"]
    assert [file.participant_recording_id for file in both[1].files] == ["one"]


async def test_it_is_listed_and_found_by_its_id() -> None:
    log = await log_of((joined(0), given(0), ASKED, STARTED, STOPPING, STOPPED))
    (listed,) = await list_recordings(log)
    assert (listed.recording_id, listed.participants, listed.begin, listed.end) == ("one", ["ann"], at(2), at(9))
    assert (await examine(log, "one")).told.recording_id == "one"


async def test_a_refused_attempt_is_listed_with_its_reason() -> None:
    log = await log_of((joined(0), ParticipantRecordingRefused(**_of(1), code="consent_required")))
    (listed,) = await list_recordings(log)
    assert (listed.end, listed.failure) == (at(1), "consent required")
    assert (await examine(log, "one")).told.outcome == "refused"


async def test_no_other_id_finds_it() -> None:
    with pytest.raises(RecordingNotFoundError):
        await examine(await log_of((joined(0), ASKED)), "other")
