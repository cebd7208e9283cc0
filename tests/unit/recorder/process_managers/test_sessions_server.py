"""What the process manager does about recordings that a server asked for, alone and beside a room recording."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.recorder.domain.participant_recording import (
    FailParticipantRecording,
    RequestParticipantRecording,
)
from shared.contracts.consent import ConsentAttested, ConsentGiven, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordingKind,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.recording import RecordingRequested, RecordingStarted, RecordingStopped
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.unit.recorder.process_managers.test_sessions import (
    ANN,
    ENDED,
    FILE_FAILED,
    FILE_REQUESTED,
    FILE_STOP_REQUESTED,
    FILE_STOPPED,
    IN,
    JOINED,
    LEFT,
    READY,
    REC,
    REQUEST_FILE,
    REQUESTED,
    RUNNING,
    SESSION,
    STARTED,
    STOPPED,
    YES,
    after,
    due_after,
)

KINDS: tuple[RecordingKind, ...] = ("audio_video", "audio", "video")
UNTIL = at(65)


def about(kind: RecordingKind = "audio_video", one: str = "own") -> dict[str, Any]:
    return {**ANN, "participant_recording_id": one, "kind": kind}


def awaited(kind: RecordingKind = "audio_video") -> ParticipantRecordingAwaited:
    return ParticipantRecordingAwaited(at=at(5), **about(kind), until=UNTIL)


def asked(kind: RecordingKind = "audio_video", second: float = 5, one: str = "own") -> ParticipantRecordingRequested:
    return ParticipantRecordingRequested(at=at(second), **about(kind, one))


def begun(kind: RecordingKind = "audio_video") -> tuple[Event, ...]:
    return asked(kind), ParticipantRecordingStarted(at=at(6), **about(kind), worker_id="worker")


def stopping(kind: RecordingKind = "audio_video") -> ParticipantRecordingStopRequested:
    return ParticipantRecordingStopRequested(at=at(8), **about(kind))


OVER = ParticipantRecordingStopped(at=at(8), **about(), file=FILE)
NOT_STARTED = ParticipantRecordingFailed(at=at(8), **about(), reason="no worker answered")


# --- waiting for somebody


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("yes", [YES, ConsentAttested(at=at(1), **ANN, attested_by="key")], ids=["given", "attested"])
def test_who_was_waited_for_is_recorded_when_they_come(kind: RecordingKind, yes: Event) -> None:
    assert due_after(SESSION, yes, awaited(kind), second=6) == []
    came = RequestParticipantRecording(**about(kind), at=at(6))
    assert due_after(SESSION, yes, awaited(kind), JOINED, second=6) == [came]


def test_who_was_there_all_the_time_is_recorded_too() -> None:
    """The gateway that was asked had not heard of them."""
    assert due_after(SESSION, JOINED, YES, awaited(), second=6) == [RequestParticipantRecording(**about(), at=at(6))]


def test_who_comes_and_does_not_consent_is_waited_for_until_they_do() -> None:
    assert due_after(SESSION, awaited(), JOINED, second=6) == []
    said_yes = ConsentGiven(at=at(7), **ANN)
    assert due_after(SESSION, awaited(), JOINED, said_yes, second=7) == [
        RequestParticipantRecording(**about(), at=at(7))
    ]


@pytest.mark.parametrize(
    ("events", "reason"), [((), "participant did not come"), ((JOINED,), "participant did not consent")]
)
def test_the_waiting_has_an_end(events: tuple[Event, ...], reason: str) -> None:
    assert due_after(SESSION, awaited(), *events, second=64.9) == []
    assert due_after(SESSION, awaited(), *events, second=65) == [
        FailParticipantRecording(**about(), at=at(65), reason=reason, if_still="awaited")
    ]


def test_whoever_is_waited_for_needs_no_worker_meanwhile() -> None:
    assert due_after(SESSION, YES, awaited(), second=60) == []


def test_when_they_have_come_a_worker_has_to_answer_within_five_seconds() -> None:
    came = (SESSION, YES, awaited(), JOINED, asked(second=30))
    assert due_after(*came, second=34.9) == []
    (fail,) = due_after(*came, second=35)
    assert fail == FailParticipantRecording(**about(), at=at(35), reason="no worker answered", if_still="requested")


def test_nobody_is_waited_for_who_was_stopped() -> None:
    failed = ParticipantRecordingFailed(at=at(6), **about(), reason="stopped")
    assert due_after(SESSION, YES, awaited(), failed, JOINED, second=7) == []


def test_the_end_of_the_session_ends_the_waiting() -> None:
    (fail,) = due_after(SESSION, JOINED, YES, awaited(), LEFT, ENDED, second=21)
    assert fail == FailParticipantRecording(
        **about(), at=at(21), reason="session ended before participant came", if_still="awaited"
    )


# --- how long it lasts


@pytest.mark.parametrize("kind", KINDS)
def test_it_needs_no_room_recording_and_goes_on_while_its_participant_is_away(kind: RecordingKind) -> None:
    running = (SESSION, JOINED, YES, *begun(kind))
    assert due_after(*running, second=500) == []
    assert due_after(*running, ConsentWithdrawn(at=at(7), **ANN), LEFT, second=500) == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_where_its_session_ended(kind: RecordingKind) -> None:
    running = (SESSION, JOINED, YES, *begun(kind), LEFT, ENDED)
    assert due_after(*running, second=30) == [StopParticipantRecording(**about(kind), at=ENDED.at)]
    assert due_after(*running, stopping(kind), second=500) == []


def test_a_worker_that_does_not_answer_fails_it_after_five_seconds() -> None:
    for kind in KINDS:
        waiting = (SESSION, JOINED, YES, asked(kind))
        assert due_after(*waiting, second=9.9) == []
        (fail,) = due_after(*waiting, second=10)
        assert fail == FailParticipantRecording(
            **about(kind), at=at(10), reason="no worker answered", if_still="requested"
        )


def test_a_refused_one_a_pause_a_file_and_a_deletion_leave_nothing_to_do() -> None:
    nothing = (
        ParticipantRecordingRefused(at=at(5), **about(one="no"), code="consent_required"),
        ParticipantRecordingPaused(at=at(7), **about()),
        TrackFileFinished(at=at(7), **about("audio"), begin=at(6), file=FILE),
        ParticipantRecordingDeleted(at=at(7), **about(one="old"), deleted_by="key", paths=("old.webm",)),
    )
    running = (SESSION, JOINED, YES, *begun(), *begun("audio"))
    assert after(*running, *nothing) == after(*running)


@pytest.mark.parametrize("late", [awaited(), asked()])
def test_one_that_came_into_the_log_after_its_sessions_end_has_to_end(late: Event) -> None:
    ended = (SESSION, JOINED, LEFT, ENDED, late)
    assert len(due_after(*ended, second=21)) == 1
    assert after(*ended, NOT_STARTED) is None


def test_a_session_is_over_when_all_recordings_are() -> None:
    ended = (SESSION, JOINED, YES, *begun(), *begun("audio"), LEFT, ENDED)
    assert after(*ended, OVER)
    assert after(*ended, OVER, TrackRecordingStopped(at=at(8), **about("audio"))) is None


# --- beside a room recording


def test_the_stop_of_a_room_recording_ends_its_own_files_only() -> None:
    both = (SESSION, JOINED, YES, REQUESTED, STARTED, *begun(), *begun("audio"), *begun("video"))
    assert due_after(*both, STOPPED, second=12) == []


def test_a_participant_has_one_file_at_a_time_and_the_room_recordings_comes_when_the_servers_is_over() -> None:
    both = (*READY, *begun())
    assert due_after(*both) == []
    assert due_after(*both, stopping(), second=9) == []
    assert due_after(*both, stopping(), OVER, second=9) == [replace(REQUEST_FILE, at=at(9))]
    assert due_after(*READY, asked(), NOT_STARTED, second=9) == [replace(REQUEST_FILE, at=at(9))]


def test_recordings_of_a_track_are_beside_it() -> None:
    assert due_after(*READY, *begun("audio"), *begun("video")) == [REQUEST_FILE]
    assert due_after(*RUNNING, *begun("audio")) == []


def test_a_room_recordings_file_that_a_server_stopped_is_not_asked_for_again() -> None:
    assert due_after(*RUNNING, FILE_STOP_REQUESTED, FILE_STOPPED, second=11) == []
    assert due_after(*READY, FILE_REQUESTED, FILE_FAILED, second=11) == []


def test_the_next_room_recording_has_a_file_of_them_again() -> None:
    again: dict[str, Any] = {**IN, "recording_id": "again"}
    later = (
        FILE_STOP_REQUESTED,
        FILE_STOPPED,
        STOPPED,
        RecordingRequested(at=at(11), **again, requested_by="ann"),
        RecordingStarted(at=at(12), **again, worker_id="worker"),
        ConsentGiven(at=at(12), **ANN),
    )
    (request,) = due_after(*RUNNING, *later, second=13)
    assert isinstance(request, RequestParticipantRecording)
    assert request.recording_id == "again"


def test_a_session_that_ends_ends_both() -> None:
    stop_room = RecordingStopped(at=at(20), **REC, reason="session_ended")
    commands = due_after(*RUNNING, *begun("audio"), LEFT, ENDED, stop_room, second=21)
    assert {(command.kind, command.at) for command in commands} == {("audio_video", at(20)), ("audio", at(20))}


# --- where files go


def test_a_room_recordings_files_go_where_its_rooms_go() -> None:
    assert due_after(*READY) == [REQUEST_FILE]
    assert due_after(*READY, storage_prefix="team") == [replace(REQUEST_FILE, storage_prefix="team")]
