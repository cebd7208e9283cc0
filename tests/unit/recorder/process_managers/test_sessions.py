from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from services.recorder.domain.participant_recording import (
    FailParticipantRecording,
    ParticipantRecordingCommand,
    RequestParticipantRecording,
)
from services.recorder.process_managers.open_recordings import participant_recording_id
from services.recorder.process_managers.sessions import RecordedSession, due, follow
from shared.contracts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    StopParticipantRecording,
)
from shared.contracts.recording import (
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from tests.support.moments import at
from tests.support.participant_recordings import FILE

IN = {"room_id": "r", "session_id": "s"}
ANN = {**IN, "participant_id": "ann"}
REC = {**IN, "recording_id": "rec"}
FILE_ID = participant_recording_id("rec", "ann")
ANNS_FILE: dict[str, Any] = {**ANN, "participant_recording_id": FILE_ID}

SESSION = SessionStarted(at=at(), **IN)
JOINED = ParticipantJoined(at=at(), **ANN, display_name="Ann", role="moderator")
LEFT = ParticipantLeft(at=at(20), **ANN, reason="quit")
ENDED = SessionEnded(at=at(20), **IN)
YES = ConsentGiven(at=at(1), **ANN)
REQUESTED = RecordingRequested(at=at(2), **REC, requested_by="ann")
STARTED = RecordingStarted(at=at(3), **REC, worker_id="worker")
STOPPED = RecordingStopped(at=at(10), **REC, reason="requested", requested_by="ann")
FILE_REQUESTED = ParticipantRecordingRequested(at=at(4), **ANNS_FILE, recording_id="rec")
FILE_STARTED = ParticipantRecordingStarted(at=at(5), **ANNS_FILE, worker_id="worker")
FILE_STOP_REQUESTED = ParticipantRecordingStopRequested(at=at(10), **ANNS_FILE)
FILE_STOPPED = ParticipantRecordingStopped(at=at(10), **ANNS_FILE, file=FILE)
FILE_FAILED = ParticipantRecordingFailed(at=at(6), **ANNS_FILE, reason="disk full")

READY = (SESSION, JOINED, YES, REQUESTED, STARTED)
RUNNING = (*READY, FILE_REQUESTED, FILE_STARTED)

REQUEST_FILE = RequestParticipantRecording(**ANNS_FILE, recording_id="rec", at=at(4))
STOP_FILE = StopParticipantRecording(**ANNS_FILE, at=at(10))


def after(*events: Event, storage_prefix: str = "") -> RecordedSession | None:
    session: RecordedSession | None = None
    for event in events:
        session = follow(session, event, storage_prefix)
    return session


def due_after(*events: Event, second: float = 4, storage_prefix: str = "") -> list[ParticipantRecordingCommand]:
    session = after(*events, storage_prefix=storage_prefix)
    return due(session, at(second)) if session else []


def test_who_is_present_and_consents_is_recorded_when_a_recording_runs() -> None:
    assert due_after(*READY) == [REQUEST_FILE]


@pytest.mark.parametrize("missing", [JOINED, YES, STARTED], ids=["presence", "consent", "a worker"])
def test_nobody_is_recorded_without(missing: Event) -> None:
    assert due_after(*(event for event in READY if event is not missing)) == []


def test_who_says_yes_later_is_recorded_from_then_on() -> None:
    assert due_after(SESSION, JOINED, REQUESTED, STARTED, YES) == [REQUEST_FILE]


def test_who_joins_later_is_recorded_from_then_on() -> None:
    assert due_after(SESSION, YES, REQUESTED, STARTED, JOINED) == [REQUEST_FILE]


@pytest.mark.parametrize("no", [ConsentRefused(at=at(2), **ANN), ConsentWithdrawn(at=at(2), **ANN)])
def test_who_says_no_is_not_recorded(no: Event) -> None:
    assert due_after(SESSION, JOINED, YES, no, REQUESTED, STARTED) == []


def test_who_left_is_not_recorded() -> None:
    assert due_after(SESSION, JOINED, YES, LEFT, REQUESTED, STARTED) == []


def test_a_file_is_asked_for_once_in_a_recording() -> None:
    assert due_after(*RUNNING) == []
    assert due_after(*READY, FILE_REQUESTED, FILE_FAILED) == []


def test_a_file_goes_on_over_withdrawal_and_leaving() -> None:
    assert due_after(*RUNNING, ConsentWithdrawn(at=at(6), **ANN)) == []
    assert due_after(*RUNNING, LEFT) == []


def test_in_the_next_recording_who_says_yes_again_has_another_file() -> None:
    again = {**IN, "recording_id": "again"}
    events = (
        RecordingRequested(at=at(11), **again, requested_by="ann"),
        RecordingStarted(at=at(12), **again, worker_id="worker"),
        ConsentGiven(at=at(12), **ANN),
    )
    commands = due_after(*RUNNING, STOPPED, FILE_STOP_REQUESTED, FILE_STOPPED, *events, second=13)
    another = participant_recording_id("again", "ann")
    assert commands == [
        replace(REQUEST_FILE, participant_recording_id=another, recording_id="again", at=at(13)),
    ]
    assert another != FILE_ID


def test_the_files_end_where_the_recording_was_stopped() -> None:
    assert due_after(*RUNNING, STOPPED, second=12) == [STOP_FILE]


def test_the_files_end_there_even_when_the_next_recording_was_asked_for_since() -> None:
    again = RecordingRequested(at=at(11), **{**IN, "recording_id": "again"}, requested_by="ann")
    assert due_after(*RUNNING, STOPPED, again, second=12) == [STOP_FILE]


def test_a_file_that_is_being_finished_is_waited_for() -> None:
    assert due_after(*RUNNING, STOPPED, FILE_STOP_REQUESTED, second=500) == []


def test_the_end_of_a_session_stops_files_only_when_its_recording_has_stopped() -> None:
    """At the moment that the gateway gives it."""
    stopped_with_it = RecordingStopped(at=at(20), **REC, reason="session_ended")
    assert due_after(*RUNNING, LEFT, ENDED, second=21) == []
    assert due_after(*RUNNING, LEFT, ENDED, stopped_with_it, second=21) == [STOP_FILE.model_copy(update={"at": at(20)})]


def test_nobody_is_recorded_any_more_whose_session_ended() -> None:
    assert due_after(*READY, LEFT, ENDED, second=21) == []


def test_a_file_that_no_worker_begins_fails_after_five_seconds() -> None:
    assert due_after(*READY, FILE_REQUESTED, second=8.9) == []
    assert due_after(*READY, FILE_REQUESTED, second=9) == [
        FailParticipantRecording(**ANNS_FILE, at=at(9), reason="no worker answered", if_still="requested")
    ]


def test_a_failed_recording_leaves_nothing_to_do() -> None:
    assert due_after(SESSION, JOINED, YES, REQUESTED, RecordingFailed(at=at(7), **REC, reason="no worker")) == []


def test_it_is_over_when_session_recording_and_files_have_ended() -> None:
    ending = (*RUNNING, LEFT, ENDED, STOPPED, FILE_STOP_REQUESTED)
    assert after(*ending)
    assert after(*ending, FILE_STOPPED) is None


def test_one_that_was_not_recorded_is_over_with_its_session() -> None:
    assert after(SESSION, JOINED, LEFT, ENDED) is None


def test_a_recording_that_was_asked_for_too_late_is_none_of_the_recorders() -> None:
    assert after(SESSION, JOINED, LEFT, ENDED, REQUESTED) is None


def test_a_file_that_was_asked_for_too_late_is_stopped() -> None:
    """Unstopped, its worker would write black and silence for ever."""
    late = (*READY, LEFT, ENDED, STOPPED, FILE_REQUESTED)
    assert due_after(*late, second=21) == [StopParticipantRecording(**ANNS_FILE, at=at(21))]
    assert after(*late, FILE_FAILED) is None


def test_events_of_sessions_that_are_not_known_begin_nothing() -> None:
    for event in (JOINED, YES, REQUESTED, STARTED, STOPPED, FILE_STARTED, FILE_STOP_REQUESTED, FILE_STOPPED, ENDED):
        assert after(event) is None


def test_the_id_of_a_file_follows_from_recording_and_participant() -> None:
    assert participant_recording_id("rec", "ann") == FILE_ID
    assert len({FILE_ID, participant_recording_id("rec", "bob"), participant_recording_id("other", "ann")}) == 3


def test_it_looks_like_those_of_servers() -> None:
    assert re.fullmatch("[0-9a-f]{24}", FILE_ID)


# --- thrown away

AGAIN_ID = participant_recording_id("rec", "ann", 1)
FILE_ERASED = ParticipantRecordingDeleted(at=at(7), **ANNS_FILE, deleted_by="ann", reason="withdrawn", paths=())
WITHDRAWN = ConsentWithdrawn(at=at(6), **ANN)
YES_AGAIN = ConsentGiven(at=at(8), **ANN)


def test_whose_file_was_erased_has_another_one_when_they_agree_again() -> None:
    again = replace(REQUEST_FILE, participant_recording_id=AGAIN_ID)
    assert due_after(*RUNNING, WITHDRAWN, FILE_ERASED) == []
    assert due_after(*RUNNING, WITHDRAWN, FILE_ERASED, YES_AGAIN) == [again]
    assert due_after(*RUNNING, WITHDRAWN, YES_AGAIN) == [], "their file is still there"
    assert due_after(*RUNNING, WITHDRAWN, YES_AGAIN, FILE_ERASED) == [again]
    assert due_after(*RUNNING, FILE_FAILED, WITHDRAWN, FILE_ERASED, YES_AGAIN) == [again]


def test_it_is_asked_for_once_and_erased_as_often_as_they_withdraw() -> None:
    second = {**ANNS_FILE, "participant_recording_id": AGAIN_ID}
    asked = ParticipantRecordingRequested(at=at(9), **second, recording_id="rec")
    withdrawn_again = FILE_ERASED.model_copy(update=second)
    begun = (*RUNNING, WITHDRAWN, FILE_ERASED, YES_AGAIN, asked)
    assert due_after(*begun) == []
    assert due_after(*begun, FILE_ERASED) == [], "told twice it is the same one"
    assert due_after(*begun, withdrawn_again) == [
        replace(REQUEST_FILE, participant_recording_id=participant_recording_id("rec", "ann", 2))
    ]
    assert due_after(*begun, STOPPED, second=12) == [STOP_FILE.model_copy(update=second)]


@pytest.mark.parametrize("reason", ["requested", "discarded"])
def test_whose_file_somebody_else_threw_away_has_no_other_in_this_recording(reason: str) -> None:
    assert due_after(*RUNNING, FILE_ERASED.model_copy(update={"reason": reason})) == []


def test_that_an_older_file_was_erased_changes_nothing_about_the_one_that_runs() -> None:
    older = FILE_ERASED.model_copy(update={"participant_recording_id": "another"})
    assert due_after(*RUNNING, older, STOPPED, second=12) == [STOP_FILE]
    assert due_after(*RUNNING, older) == []


def test_files_of_a_recording_that_was_thrown_away_are_not_stopped_but_deleted() -> None:
    """Stopped, they would be finished, and told of."""
    discarded = STOPPED.model_copy(update={"discarded": True})
    for begun in (RUNNING, (*READY, FILE_REQUESTED)):
        assert due_after(*begun, discarded, second=500) == []
    assert due_after(*READY, discarded, FILE_REQUESTED, second=500) == []
    own = ParticipantRecordingRequested(at=at(4), **{**ANNS_FILE, "participant_recording_id": "own"})
    assert due_after(*READY, discarded, own, ENDED, second=21) == [
        StopParticipantRecording(**ANN, participant_recording_id="own", at=at(20))
    ]


def test_it_is_over_when_they_are_deleted() -> None:
    discarded = STOPPED.model_copy(update={"discarded": True})
    ending = (*RUNNING, LEFT, ENDED, discarded)
    assert after(*ending)
    assert after(*ending, FILE_ERASED.model_copy(update={"reason": "discarded"})) is None


def test_the_ids_of_a_participants_files_differ() -> None:
    assert len({participant_recording_id("rec", "ann", n) for n in range(3)} | {FILE_ID}) == 3
