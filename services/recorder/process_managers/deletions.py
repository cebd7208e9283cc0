"""Which recordings have to be deleted, and the merges made of them: a fold of a session's events, and what is due.

Pure. In a room that erases, a withdrawal concerns whatever was asked for of its participant in the session before it;
not what waits for them, where nothing is recorded yet. A room recording that was discarded takes all its files with it.
A merge holds everybody's voice, so it goes with any recording in it. What was deleted on mere request leaves merges as
they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from services.recorder.domain.merge import DeleteMerge
from shared.contracts import actors
from shared.contracts.consent import ConsentWithdrawn
from shared.contracts.merge import (
    MergeCancelled,
    MergeCompleted,
    MergeDeleted,
    MergeEvent,
    MergeFailed,
    MergeRequested,
    merge_stream,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    DeletionReason,
    ParticipantRecordingDeleted,
    ParticipantRecordingRequested,
    participant_recording_stream,
)
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import SessionEnded, SessionStarted
from shared.eventsourcing.process import Process

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Why:
    """Why something has to go, and who wants it gone."""

    reason: DeletionReason
    deleted_by: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A participant recording that was asked for, and is not deleted."""

    requested: ParticipantRecordingRequested
    #: None: it may stay.
    goes: Why | None = None


@dataclass(frozen=True, slots=True)
class KeptMerge:
    """A merge that was asked for, and is not over or has a file."""

    requested: MergeRequested
    completed: bool = False
    #: Because of a recording in it. One that is being made fails by that, or is deleted when it is made.
    goes: Why | None = None


def _nothing() -> Mapping[str, Item]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SessionRecordings:
    """What there is of one session, by ids."""

    erases: bool
    is_over: bool = False
    recordings: Mapping[str, Kept] = field(default_factory=_nothing)
    merges: Mapping[str, KeptMerge] = field(default_factory=_nothing)
    #: Room recordings that were thrown away.
    discarded: Mapping[str, Why] = field(default_factory=_nothing)


Deletion = DeleteParticipantRecording | DeleteMerge


def follow(session: SessionRecordings | None, event: Event) -> SessionRecordings | None:
    """Return what an event of the session makes of what there is; None: nothing is known of the session."""
    if isinstance(event, SessionStarted):
        return SessionRecordings(event.withdrawal_policy == "erase")
    return _after(session, event) if session else None


def due(session: SessionRecordings, now: datetime) -> Iterator[Deletion]:
    """Yield the deletions that should be decided now."""
    for kept in session.recordings.values():
        if kept.goes:
            yield _delete(kept.requested, kept.goes, now)
    for merge in session.merges.values():
        if merge.goes and merge.completed:
            yield _delete_merge(merge.requested, merge.goes, now)


def rests(session: SessionRecordings) -> bool:
    """Tell whether it is over and owes nothing: a withdrawal may still come late."""
    owes = any(kept.goes for kept in session.recordings.values())
    return session.is_over and not owes and not any(one.goes and one.completed for one in session.merges.values())


def _after(session: SessionRecordings, event: Event) -> SessionRecordings:  # noqa: PLR0911  one case for each event
    match event:
        case SessionEnded():
            return replace(session, is_over=True)
        case ConsentWithdrawn() if session.erases:
            return _withdrawn(session, event)
        case RecordingStopped() if event.discarded:
            return _discarded(session, event)
        case ParticipantRecordingRequested():
            goes = session.discarded.get(event.recording_id or "")
            kept = _with(session.recordings, event.participant_recording_id, Kept(event, goes))
            return replace(session, recordings=kept)
        case ParticipantRecordingDeleted():
            return _deleted(session, event)
        case MergeEvent():
            return _merge(session, event)
        case _:
            return session


def _withdrawn(session: SessionRecordings, event: ConsentWithdrawn) -> SessionRecordings:
    """Let everything of the participant go. What is to go already goes for its first reason."""
    why = Why("withdrawn", actors.participant(event.participant_id))
    theirs = {
        one: replace(kept, goes=kept.goes or why)
        for one, kept in session.recordings.items()
        if kept.requested.participant_id == event.participant_id
    }
    return replace(session, recordings=MappingProxyType({**session.recordings, **theirs})) if theirs else session


def _discarded(session: SessionRecordings, event: RecordingStopped) -> SessionRecordings:
    why = Why("discarded", actors.participant(event.requested_by or ""))
    its_own = {
        one: replace(kept, goes=kept.goes or why)
        for one, kept in session.recordings.items()
        if kept.requested.recording_id == event.recording_id
    }
    recordings = MappingProxyType({**session.recordings, **its_own})
    return replace(session, recordings=recordings, discarded=_with(session.discarded, event.recording_id, why))


def _deleted(session: SessionRecordings, event: ParticipantRecordingDeleted) -> SessionRecordings:
    recordings = _with(session.recordings, event.participant_recording_id, None)
    if event.reason == "requested":
        return replace(session, recordings=recordings)
    why = Why(event.reason, event.deleted_by)
    merges = {
        merge_id: replace(merge, goes=merge.goes or why)
        for merge_id, merge in session.merges.items()
        if any(one.participant_recording_id == event.participant_recording_id for one in merge.requested.inputs)
    }
    return replace(session, recordings=recordings, merges=MappingProxyType({**session.merges, **merges}))


def _merge(session: SessionRecordings, event: MergeEvent) -> SessionRecordings:
    known = session.merges.get(event.merge_id)
    match event:
        case MergeRequested():
            return replace(session, merges=_with(session.merges, event.merge_id, KeptMerge(event)))
        case MergeCompleted() if known:
            return replace(session, merges=_with(session.merges, event.merge_id, replace(known, completed=True)))
        case MergeFailed() | MergeCancelled() | MergeDeleted():
            return replace(session, merges=_with(session.merges, event.merge_id, None))
        case _:
            return session


def _delete(recording: ParticipantRecordingRequested, why: Why, now: datetime) -> DeleteParticipantRecording:
    return DeleteParticipantRecording(
        at=now,
        room_id=recording.room_id,
        session_id=recording.session_id,
        participant_id=recording.participant_id,
        kind=recording.kind,
        participant_recording_id=recording.participant_recording_id,
        deleted_by=why.deleted_by,
        reason=why.reason,
    )


def _delete_merge(merge: MergeRequested, why: Why, now: datetime) -> DeleteMerge:
    return DeleteMerge(
        merge_id=merge.merge_id, set_id=merge.set_id, deleted_by=why.deleted_by, reason=why.reason, at=now
    )


def _with(items: Mapping[str, Item], name: str, item: Item | None) -> Mapping[str, Item]:
    others = {other: one for other, one in items.items() if other != name}
    return MappingProxyType({**others, name: item} if item else others)


def _session_id(event: Event) -> str | None:
    return getattr(event, "session_id", None)


def _stream(deletion: Deletion) -> str:
    if isinstance(deletion, DeleteMerge):
        return merge_stream(deletion.set_id)
    return participant_recording_stream(deletion.session_id, deletion.participant_id, deletion.kind)


DELETIONS: Process[SessionRecordings, Deletion] = Process(_session_id, follow, due, _stream, rests=rests)
