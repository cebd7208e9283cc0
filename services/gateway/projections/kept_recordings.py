"""Participant recordings and merges as REST answers show them, made of their events.

Pure. An event of something whose beginning was not seen makes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.contracts.identifiers import StoragePrefix
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergedFile,
    MergeEvent,
    MergeFailed,
    MergeInput,
    MergeLayout,
    MergeProgressed,
    MergeRequested,
)
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordedFile,
    RecordingKind,
    TrackFileFinished,
    TrackRecordingStopped,
)

RecordingState = Literal["refused", "awaited", "requested", "started", "stopping", "stopped", "failed", "deleted"]
MergeState = Literal["pending", "processing", "completed", "failed", "cancelled", "deleted"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of telling one target of one event."""

    webhook_type: str
    delivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecording:
    """A participant recording of any kind."""

    id: str
    #: Global position of the first that was heard of it: newer ones have a higher one.
    position: int
    room_id: str
    session_id: str
    participant_id: str
    kind: RecordingKind
    #: The room recording it is part of; None: a server asked for this one alone.
    recording_id: str | None = None
    state: RecordingState
    storage_prefix: StoragePrefix = ""
    #: The file's time zero; None: it has not begun.
    started_at: datetime | None = None
    #: None: it is not over.
    ended_at: datetime | None = None
    #: Why it failed.
    reason: str | None = None
    #: The finished ones, oldest first.
    files: tuple[RecordedFile, ...] = ()
    # --- not of its own events
    #: By which the participant last joined the session; None: they never did.
    participant_name: str | None = None
    #: By the order of the events that were told.
    deliveries: tuple[Delivery, ...] = ()

    @property
    def is_shown(self) -> bool:
        return self.state not in {"refused", "deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMerge:
    id: str
    #: Global position of its request: newer ones have a higher one.
    position: int
    set_id: str
    room_id: str
    session_id: str
    layout: MergeLayout
    inputs: tuple[MergeInput, ...]
    state: MergeState
    requested_at: datetime
    storage_prefix: StoragePrefix = ""
    #: Of the work that is done, from 0 to 100.
    percent: int = 0
    #: When a worker first took it up.
    started_at: datetime | None = None
    #: None: it is not over.
    ended_at: datetime | None = None
    #: Why it failed.
    reason: str | None = None
    file: MergedFile | None = None
    # --- not of its own events
    #: By the order of the events that were told.
    deliveries: tuple[Delivery, ...] = ()


def recording_after(
    recording: KeptRecording | None, event: ParticipantRecordingEvent, position: int
) -> KeptRecording | None:
    """Return what an event at that global position makes of a recording; None: there is still none."""
    if isinstance(event, ParticipantRecordingAwaited | ParticipantRecordingRequested | ParticipantRecordingRefused):
        return _begun(recording, event, position)
    return _gone_on(recording, event) if recording else None


_Beginning = ParticipantRecordingAwaited | ParticipantRecordingRequested | ParticipantRecordingRefused


def _begun(recording: KeptRecording | None, event: _Beginning, position: int) -> KeptRecording:
    if isinstance(event, ParticipantRecordingRequested) and recording:
        return replace(recording, state="requested", recording_id=event.recording_id)
    states: dict[type[_Beginning], RecordingState] = {
        ParticipantRecordingAwaited: "awaited",
        ParticipantRecordingRequested: "requested",
        ParticipantRecordingRefused: "refused",
    }
    return KeptRecording(
        id=event.participant_recording_id,
        position=position,
        room_id=event.room_id,
        session_id=event.session_id,
        participant_id=event.participant_id,
        kind=event.kind,
        state=states[type(event)],
        recording_id=getattr(event, "recording_id", None),
        storage_prefix=getattr(event, "storage_prefix", ""),
    )


def _gone_on(recording: KeptRecording, event: ParticipantRecordingEvent) -> KeptRecording:  # noqa: PLR0911  a case each
    match event:
        case ParticipantRecordingStarted():
            return replace(recording, state="started", started_at=event.at)
        case ParticipantRecordingStopRequested():
            return replace(recording, state="stopping")
        case TrackFileFinished():
            return replace(recording, files=(*recording.files, event.file))
        case ParticipantRecordingStopped():
            files = (*recording.files, event.file)
            return replace(recording, state="stopped", ended_at=event.at, files=files)
        case TrackRecordingStopped():
            return replace(recording, state="stopped", ended_at=event.at)
        case ParticipantRecordingFailed():
            return replace(recording, state="failed", ended_at=event.at, reason=event.reason)
        case ParticipantRecordingDeleted():
            return replace(recording, state="deleted", ended_at=recording.ended_at or event.at)
        case _:
            return recording


def merge_after(merge: KeptMerge | None, event: MergeEvent, position: int) -> KeptMerge | None:
    """Return what an event at that global position makes of a merge; None: there is still none."""
    if isinstance(event, MergeRequested):
        return KeptMerge(
            id=event.merge_id,
            position=position,
            set_id=event.set_id,
            room_id=event.room_id,
            session_id=event.session_id,
            layout=event.layout,
            inputs=event.inputs,
            state="pending",
            requested_at=event.at,
            storage_prefix=event.storage_prefix,
        )
    return _merge_gone_on(merge, event) if merge else None


def _merge_gone_on(merge: KeptMerge, event: MergeEvent) -> KeptMerge:  # noqa: PLR0911  a case each
    match event:
        case MergeClaimed():
            return replace(merge, state="processing", started_at=merge.started_at or event.at)
        case MergeProgressed():
            return replace(merge, percent=event.percent)
        case MergeCompleted():
            return replace(merge, state="completed", percent=100, ended_at=event.at, file=event.file)
        case MergeFailed():
            return replace(merge, state="failed", ended_at=event.at, reason=event.reason)
        case MergeCancelled():
            return replace(merge, state="cancelled", ended_at=event.at)
        case MergeDeleted():
            return replace(merge, state="deleted", file=None)
        case _:
            return merge
