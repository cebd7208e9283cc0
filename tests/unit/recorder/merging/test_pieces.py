"""Which files a recording brings into a merge, and which recordings bring none."""

from __future__ import annotations

from typing import Any

import pytest

from services.recorder.merging.errors import InputUnusableError
from services.recorder.merging.pieces import pieces_of
from shared.contracts.merge import MergeInput
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordedFile,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.moments import at
from tests.support.participant_recordings import FILE

WANTED = MergeInput(participant_id="ann", participant_recording_id="a", channel=2)
TRACK = WANTED.model_copy(update={"kind": "audio"})
SECOND = FILE.model_copy(update={"path": "s/ann/audio/second.webm"})


def happened(what: type[Event], second: float, recording: str = "a", **more: object) -> Event:
    about: dict[str, Any] = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
    return what.model_validate({**about, "participant_recording_id": recording, "at": at(second), **more})


def track_file(begin: float, end: float, file: RecordedFile) -> Event:
    return happened(TrackFileFinished, end, kind="audio", begin=at(begin), file=file)


REQUESTED = happened(ParticipantRecordingRequested, 1)
STARTED = happened(ParticipantRecordingStarted, 2, worker_id="w")
STOPPING = happened(ParticipantRecordingStopRequested, 9)
STOPPED = happened(ParticipantRecordingStopped, 9, file=FILE)


def test_a_finished_recording_brings_its_file_from_its_time_zero() -> None:
    found = pieces_of(WANTED, [REQUESTED, STARTED, STOPPING, STOPPED])
    assert found
    (piece,) = found
    assert (piece.begin, piece.file, piece.participant_id, piece.channel) == (at(2), FILE, "ann", 2)


def test_a_pause_changes_nothing_as_the_file_goes_on() -> None:
    paused = happened(ParticipantRecordingPaused, 5)
    found = pieces_of(WANTED, [REQUESTED, STARTED, paused, STOPPING, STOPPED])
    assert found
    assert [piece.begin for piece in found] == [at(2)]


def test_a_recording_that_is_not_finished_is_waited_for() -> None:
    for events in ([REQUESTED], [REQUESTED, STARTED], [REQUESTED, STARTED, STOPPING]):
        assert pieces_of(WANTED, events) is None
    assert pieces_of(WANTED, [happened(ParticipantRecordingAwaited, 1, until=at(60))]) is None


def test_another_recording_of_the_same_participant_is_not_taken_for_it() -> None:
    others = [
        happened(ParticipantRecordingRequested, 0, "b"),
        happened(ParticipantRecordingStarted, 0.5, "b", worker_id="w"),
        happened(ParticipantRecordingFailed, 0.9, "b", reason="disk full"),
    ]
    assert pieces_of(WANTED, [*others, REQUESTED, STARTED]) is None
    found = pieces_of(WANTED, [*others, REQUESTED, STARTED, STOPPED])
    assert found
    assert [piece.begin for piece in found] == [at(2)]


def test_a_recording_of_a_track_brings_each_file_from_where_it_begins() -> None:
    ended = happened(TrackRecordingStopped, 9, kind="audio")
    found = pieces_of(TRACK, [REQUESTED, STARTED, track_file(3, 4, FILE), track_file(6, 8, SECOND), ended])
    assert found
    assert [(piece.begin, piece.file) for piece in found] == [(at(3), FILE), (at(6), SECOND)]


def test_a_recording_of_a_track_is_waited_for_until_it_is_over() -> None:
    assert pieces_of(TRACK, [REQUESTED, STARTED, track_file(3, 4, FILE)]) is None


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "is not known"),
        ([REQUESTED, happened(ParticipantRecordingFailed, 3, reason="disk full")], "failed: disk full"),
        ([happened(ParticipantRecordingRefused, 3, code="consent_required")], "was refused: consent_required"),
        (
            [REQUESTED, STARTED, STOPPED, happened(ParticipantRecordingDeleted, 12, deleted_by="x", paths=())],
            "was deleted",
        ),
        (
            [
                REQUESTED,
                STARTED,
                STOPPED,
                happened(ParticipantRecordingDeleted, 12, deleted_by="x", paths=()),
                happened(ParticipantRecordingErased, 13),
            ],
            "was deleted",
        ),
        ([REQUESTED, STARTED, happened(TrackRecordingStopped, 9)], "has no file"),
    ],
)
def test_what_can_never_be_merged_is_refused_and_named(events: list[Event], reason: str) -> None:
    with pytest.raises(InputUnusableError, match=f"recording a of participant ann {reason}"):
        pieces_of(WANTED, events)
