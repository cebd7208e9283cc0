"""Which recordings and merges have to be deleted: after a withdrawal where that erases, and after a discard."""

from __future__ import annotations

from typing import Any

import pytest

from services.recorder.domain.merge import DeleteMerge
from services.recorder.process_managers.deletions import DELETIONS, Deletion, SessionRecordings, due, follow, rests
from shared.contracts.consent import ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.merge import MergeCompleted, MergeRequested
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordingKind,
)
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ParticipantLeft, RoomCreated, SessionEnded, SessionStarted
from tests.support import merges
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.support.server_recordings import deleted

IN = {"room_id": "r", "session_id": "s"}
ANN = {**IN, "participant_id": "ann"}

KEEPS = SessionStarted(at=at(), **IN)
ERASES = SessionStarted(at=at(), **IN, withdrawal_policy="erase")
ENDED = SessionEnded(at=at(20), **IN)
WITHDRAWN = ConsentWithdrawn(at=at(9), **ANN)
STOPPED = RecordingStopped(at=at(8), **IN, recording_id="rec", reason="requested", requested_by="mona")
DISCARDED = STOPPED.model_copy(update={"discarded": True})


def requested(
    one: str = "a", who: str = "ann", kind: RecordingKind = "audio_video", recording_id: str | None = "rec"
) -> ParticipantRecordingRequested:
    about = {**IN, "participant_id": who, "participant_recording_id": one, "kind": kind}
    return ParticipantRecordingRequested(at=at(1), **about, recording_id=recording_id)


def gone(one: str, who: str = "ann", kind: RecordingKind = "audio_video", **more: Any) -> ParticipantRecordingDeleted:
    more = {"reason": "withdrawn", "deleted_by": "participant:ann", **more}
    about = {**IN, "participant_id": who, "participant_recording_id": one, "kind": kind}
    return ParticipantRecordingDeleted(at=at(10), **about, paths=(), **more)


def after(*events: Event) -> SessionRecordings | None:
    session: SessionRecordings | None = None
    for event in events:
        session = follow(session, event)
    return session


def known(*events: Event) -> SessionRecordings:
    session = after(*events)
    assert session
    return session


def due_after(*events: Event) -> list[Deletion]:
    return list(due(known(*events), at(10)))


def delete(one: str, who: str = "ann", kind: RecordingKind = "audio_video") -> DeleteParticipantRecording:
    return _delete(one, who, kind, reason="withdrawn", deleted_by=f"participant:{who}")


def discard(one: str, who: str = "ann") -> DeleteParticipantRecording:
    return _delete(one, who, "audio_video", reason="discarded", deleted_by="participant:mona")


def _delete(one: str, who: str, kind: RecordingKind, **why: Any) -> DeleteParticipantRecording:
    about = {**IN, "participant_id": who, "participant_recording_id": one, "kind": kind}
    return DeleteParticipantRecording(at=at(10), **about, **why)


# --- withdrawals


def test_in_a_room_that_erases_a_withdrawal_deletes_what_was_recorded_before() -> None:
    assert due_after(ERASES, requested(), WITHDRAWN) == [delete("a")]


def test_in_a_room_that_keeps_it_deletes_nothing() -> None:
    assert due_after(KEEPS, requested(), WITHDRAWN) == []


def test_it_concerns_recordings_of_all_kinds_by_whomever_asked_for_running_or_finished() -> None:
    events = (
        requested("a"),
        ParticipantRecordingStarted(at=at(2), **ANN, participant_recording_id="a", worker_id="w"),
        ParticipantRecordingStopped(at=at(3), **ANN, participant_recording_id="a", file=FILE),
        requested("b", recording_id=None),
        requested("c", kind="audio", recording_id=None),
        requested("d", kind="video", recording_id=None),
    )
    everything = [delete("a"), delete("b"), delete("c", kind="audio"), delete("d", kind="video")]
    assert due_after(ERASES, *events, WITHDRAWN) == everything


def test_it_concerns_nobody_else_and_no_other_session() -> None:
    other = SessionStarted(at=at(), room_id="r", session_id="other", withdrawal_policy="erase")
    assert due_after(ERASES, requested("a", who="bob"), WITHDRAWN) == []
    assert DELETIONS.key_of(other) == "other"
    assert DELETIONS.key_of(WITHDRAWN) == DELETIONS.key_of(requested()) == "s"


@pytest.mark.parametrize(
    "event",
    [
        ConsentCleared(at=at(9), **ANN, reason="left"),
        ConsentCleared(at=at(9), **ANN, reason="recording_stopped"),
        ConsentRefused(at=at(9), **ANN),
        ConsentGiven(at=at(9), **ANN),
        ParticipantLeft(at=at(9), **ANN, reason="quit"),
        STOPPED,
        ENDED,
    ],
)
def test_nothing_else_that_ends_consent_or_a_recording_is_a_withdrawal(event: Event) -> None:
    """Seen to fail for a clear with every end of a yes taken for one."""
    assert due_after(ERASES, requested(), event) == []


def test_what_waits_for_its_participant_has_recorded_nothing_and_goes_on_waiting() -> None:
    awaited = ParticipantRecordingAwaited(at=at(1), **ANN, participant_recording_id="a", until=at(60))
    assert due_after(ERASES, awaited, WITHDRAWN) == []
    assert due_after(ERASES, awaited, requested(), WITHDRAWN) == [delete("a")]


def test_it_is_due_until_the_log_has_it() -> None:
    assert due_after(ERASES, requested("a"), requested("b", kind="audio"), WITHDRAWN, gone("a")) == [
        delete("b", kind="audio")
    ]
    assert due_after(ERASES, requested(), WITHDRAWN, WITHDRAWN, gone("a"), WITHDRAWN) == []


def test_what_is_recorded_on_a_later_yes_stays() -> None:
    again = (ConsentGiven(at=at(11), **ANN), requested("b"))
    assert due_after(ERASES, requested("a"), WITHDRAWN, gone("a"), *again) == []
    assert due_after(ERASES, requested("a"), WITHDRAWN, *again) == [delete("a")]
    assert due_after(ERASES, requested("a"), WITHDRAWN, gone("a"), *again, WITHDRAWN) == [delete("b")]


def test_one_that_comes_late_undoes_what_was_recorded_since_and_after_the_session_too() -> None:
    """In doubt it is a no: it undoes every yes that the log had before it."""
    late = WITHDRAWN.model_copy(update={"at": at(0.5)})
    assert due_after(ERASES, ConsentGiven(at=at(1), **ANN), requested(), late) == [delete("a")]
    assert due_after(ERASES, requested(), ENDED, late) == [delete("a")]


def test_what_a_server_had_deleted_is_not_deleted_again() -> None:
    assert due_after(ERASES, requested(), gone("a", reason="requested"), WITHDRAWN) == []


# --- discards


def test_a_room_recording_that_is_thrown_away_takes_all_its_files_with_it() -> None:
    """Those that are over too, for they are the recording's; but not what a server asked for."""
    over = ParticipantRecordingStopped(at=at(3), **ANN, participant_recording_id="a", file=FILE)
    events = (requested("a"), over, requested("b", who="bob"), requested("own", recording_id=None))
    assert due_after(KEEPS, *events, DISCARDED) == [discard("a"), discard("b", who="bob")]
    assert due_after(KEEPS, *events, DISCARDED, gone("a")) == [discard("b", who="bob")]


def test_one_that_is_stopped_keeps_them() -> None:
    assert due_after(KEEPS, requested(), STOPPED) == []


def test_a_file_that_is_asked_for_too_late_goes_as_well() -> None:
    assert due_after(KEEPS, DISCARDED, requested()) == [discard("a")]
    assert due_after(KEEPS, DISCARDED, requested(recording_id="another")) == []
    assert due_after(KEEPS, DISCARDED, requested(recording_id=None)) == []


def test_what_goes_already_goes_for_its_first_reason() -> None:
    assert due_after(ERASES, requested(), DISCARDED, WITHDRAWN) == [discard("a")]
    assert due_after(ERASES, requested(), WITHDRAWN, DISCARDED) == [delete("a")]


# --- merges

ANNS, BOBS = requested("ann-1"), requested("bob-1", who="bob")
DELETE_MERGE = DeleteMerge(merge_id="m", set_id=merges.SET, deleted_by="participant:ann", reason="withdrawn", at=at(10))


def test_a_merge_goes_with_any_recording_in_it() -> None:
    made = (ANNS, BOBS, merges.requested(), merges.claimed(), merges.completed())
    assert due_after(ERASES, *made, WITHDRAWN, gone("ann-1")) == [DELETE_MERGE]
    assert due_after(KEEPS, *made, gone("bob-1", who="bob", reason="discarded")) == [
        DeleteMerge(merge_id="m", set_id=merges.SET, deleted_by="participant:ann", reason="discarded", at=at(10))
    ]
    assert due_after(ERASES, *made, gone("ann-1"), merges.deleted()) == []


def test_a_merge_stays_with_what_was_deleted_on_request_and_without_what_is_not_in_it() -> None:
    made = (merges.requested(), merges.completed())
    assert due_after(KEEPS, *made, gone("ann-1", reason="requested")) == []
    assert due_after(KEEPS, *made, gone("cy-1", who="cy")) == []


def test_a_merge_that_is_being_made_goes_if_it_comes_to_a_file_all_the_same() -> None:
    making = (merges.requested(), merges.claimed(), gone("ann-1"))
    assert due_after(ERASES, *making) == []
    assert due_after(ERASES, *making, merges.completed()) == [DELETE_MERGE]
    for end in (merges.failed(), merges.cancelled()):
        assert due_after(ERASES, *making, end) == []


def test_the_first_recording_that_goes_is_why_a_merge_does() -> None:
    both = (gone("ann-1"), gone("bob-1", who="bob", reason="discarded", deleted_by="participant:mona"))
    assert due_after(KEEPS, merges.requested(), merges.completed(), *both) == [DELETE_MERGE]


def test_an_end_of_a_merge_that_was_not_heard_of_is_nothing() -> None:
    assert due_after(KEEPS, merges.completed(), gone("ann-1")) == []


# --- what is remembered


def test_sessions_that_are_not_known_are_not_followed() -> None:
    for event in (requested(), WITHDRAWN, DISCARDED, deleted(), merges.requested(), ENDED):
        assert after(event) is None
    assert DELETIONS.key_of(RoomCreated(at=at(), room_id="r")) is None


def test_what_changes_nothing_changes_nothing() -> None:
    session = known(ERASES, requested("a", who="bob"))
    for event in (STOPPED, WITHDRAWN, ConsentGiven(at=at(1), **ANN), merges.claimed()):
        assert follow(session, event) is session


def test_a_session_rests_when_it_is_over_and_owes_nothing() -> None:
    assert not rests(known(ERASES, requested()))
    assert rests(known(ERASES, requested(), ENDED))
    assert not rests(known(ERASES, requested(), ENDED, WITHDRAWN))
    assert rests(known(ERASES, requested(), ENDED, WITHDRAWN, gone("a")))
    merged: tuple[MergeRequested | MergeCompleted, ...] = (merges.requested(), merges.completed())
    assert rests(known(ERASES, merges.requested(), ENDED, gone("ann-1")))
    assert not rests(known(ERASES, *merged, ENDED, gone("ann-1")))
    assert rests(known(ERASES, *merged, ENDED))


def test_each_is_decided_in_its_own_stream() -> None:
    assert DELETIONS.stream_of(delete("a", kind="audio")) == requested(kind="audio").stream
    assert DELETIONS.stream_of(DELETE_MERGE) == merges.requested().stream
