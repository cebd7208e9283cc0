"""Which room recordings have to end: those that nobody started in time, and those whose session is over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.recording import FailRecording, StopRecording
from services.gateway.process_managers.room_recordings import RecordedSession, due, follow, next_at
from shared.contracts.consent import ConsentGiven
from shared.contracts.message import Event
from shared.contracts.recording import (
    WORKER_ANSWERS_WITHIN,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from tests.support.moments import at
from tests.unit.gateway.domain.test_recording import paused, resumed

IN = {"room_id": "r", "session_id": "s"}
ANN = {**IN, "participant_id": "ann"}
REC = {**IN, "recording_id": "rec"}

SESSION = SessionStarted(at=at(), **IN)
JOINED = ParticipantJoined(at=at(), **ANN, display_name="Ann", role="moderator")
YES = ConsentGiven(at=at(1), **ANN)
REQUESTED = RecordingRequested(at=at(2), **REC, requested_by="ann")
STARTED = RecordingStarted(at=at(3), **REC, worker_id="worker")
STOPPED = RecordingStopped(at=at(10), **REC, reason="requested", requested_by="ann")
FAILED = RecordingFailed(at=at(7), **REC, reason="no worker answered")
LEFT = ParticipantLeft(at=at(20), **ANN, reason="quit")
ENDED = SessionEnded(at=at(20), **IN)

RUNNING = (SESSION, JOINED, YES, REQUESTED, STARTED)


def after(*events: Event) -> RecordedSession | None:
    session: RecordedSession | None = None
    for event in events:
        session = follow(session, event)
    return session


def due_after(*events: Event, second: float = 21) -> list[StopRecording | FailRecording]:
    session = after(*events)
    return list(due(session, at(second))) if session else []


# --- waiting for a worker


def test_a_recording_that_no_worker_confirms_fails_after_five_seconds_and_not_before() -> None:
    waited = REQUESTED.at + WORKER_ANSWERS_WITHIN
    session = after(SESSION, JOINED, REQUESTED)
    assert WORKER_ANSWERS_WITHIN.total_seconds() == 5
    assert session
    assert list(due(session, waited - WORKER_ANSWERS_WITHIN / 1000)) == []
    assert list(due(session, waited)) == [FailRecording("r", "s", "rec", "no worker answered", waited)]


def test_it_is_due_again_until_the_log_says_that_it_failed() -> None:
    assert len(due_after(SESSION, REQUESTED, second=500)) == 1
    assert due_after(SESSION, REQUESTED, FAILED, second=500) == []


def test_a_recording_that_a_worker_confirmed_goes_on_however_long_it_is() -> None:
    assert due_after(*RUNNING, second=100_000) == []


def test_a_paused_recording_goes_on_as_well() -> None:
    assert due_after(*RUNNING, paused("rec", 4), second=100_000) == []


def test_a_recording_that_was_stopped_before_it_started_leaves_nothing_to_do() -> None:
    assert due_after(SESSION, JOINED, REQUESTED, STOPPED, second=500) == []


def test_the_next_recording_waits_five_seconds_of_its_own() -> None:
    again = RecordingRequested(at=at(11), **{**IN, "recording_id": "again"}, requested_by="ann")
    for first in ((REQUESTED, FAILED), (REQUESTED, STARTED, STOPPED)):
        assert due_after(SESSION, *first, again, second=15.9) == []
        assert due_after(SESSION, *first, again, second=16) == [
            FailRecording("r", "s", "again", "no worker answered", at(16))
        ]


@given(st.lists(st.sampled_from([REQUESTED, STARTED, STOPPED, FAILED, ENDED]), min_size=1), st.integers(20, 30))
def test_what_is_due_changes_with_time_only_at_the_moment_that_is_told(events: list[Event], second: int) -> None:
    """Whoever runs it asks no session again before. Seen to fail where no moment is told."""
    session = after(SESSION, *(event.model_copy(update={"at": at(20)}) for event in events))
    if session and ((until := next_at(session)) is None or at(second) < until):
        at_once, later = ([type(command) for command in due(session, moment)] for moment in (at(20), at(second)))
        assert at_once == later


# --- the end of the session


def test_the_end_of_the_session_stops_the_recording_at_that_moment() -> None:
    stop = StopRecording("r", "s", at(20), "rec", reason="session_ended")
    assert due_after(*RUNNING, LEFT, ENDED) == [stop]
    assert due_after(*RUNNING, paused("rec", 4), LEFT, ENDED) == [stop]
    assert due_after(*RUNNING, paused("rec", 4), resumed("rec", 5), LEFT, ENDED) == [stop]


def test_a_recording_that_still_waits_for_a_worker_fails_when_the_session_ends() -> None:
    assert due_after(SESSION, JOINED, REQUESTED, LEFT, ENDED, second=2.1) == [
        FailRecording("r", "s", "rec", "the session ended", at(2.1))
    ]


def test_a_recording_that_a_worker_confirmed_after_the_end_of_its_session_is_stopped() -> None:
    assert due_after(SESSION, JOINED, REQUESTED, LEFT, ENDED, STARTED) == [
        StopRecording("r", "s", at(20), "rec", reason="session_ended")
    ]


def test_a_recording_that_was_asked_for_too_late_is_failed() -> None:
    """It was decided while the session ended. Unfailed, it would be shown as beginning for ever."""
    assert due_after(SESSION, JOINED, LEFT, ENDED, REQUESTED) == [
        FailRecording("r", "s", "rec", "the session ended", at(21))
    ]


def test_a_recording_that_was_asked_for_too_late_and_confirmed_is_stopped() -> None:
    late = RecordingRequested(at=at(20.1), **REC, requested_by="ann")
    assert due_after(SESSION, JOINED, LEFT, ENDED, late, STARTED) == [
        StopRecording("r", "s", at(20.1), "rec", reason="session_ended")
    ]


# --- what is remembered


def test_a_session_is_forgotten_when_it_and_its_recording_have_ended() -> None:
    assert after(SESSION, JOINED, LEFT, ENDED) is None
    assert after(*RUNNING, LEFT, ENDED)
    assert after(*RUNNING, LEFT, ENDED, STOPPED) is None
    assert after(*RUNNING, STOPPED, LEFT, ENDED) is None
    assert after(SESSION, LEFT, ENDED, REQUESTED, FAILED) is None


def test_events_of_sessions_that_are_not_known_begin_nothing() -> None:
    for event in (JOINED, YES, STARTED, STOPPED, FAILED, LEFT, ENDED):
        assert after(event) is None
