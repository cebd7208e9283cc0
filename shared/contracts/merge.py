"""Merges: one file made of several participants' recordings of a session. The recorder says; everyone listens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt

from shared.contracts.identifiers import (
    MergeId,
    ParticipantId,
    ParticipantRecordingId,
    RoomId,
    SessionId,
    StoragePrefix,
    WebhookUrl,
)
from shared.contracts.message import Command, Contract, Event
from shared.contracts.participant_recording import DeletionReason, RecordingKind

#: Two channels of sound, left and right, in one MP3; or a grid of pictures with all sound, in one MP4.
MergeLayout = Literal["stereo", "grid"]


class MergeInput(Contract):
    """One recording that goes into the merge."""

    participant_id: ParticipantId
    participant_recording_id: ParticipantRecordingId
    kind: RecordingKind = "audio_video"
    #: Of a stereo merge: 1 is left, 2 is right. Of a grid: 1.
    channel: Literal[1, 2] = 1


def merge_set(layout: MergeLayout, inputs: Sequence[MergeInput]) -> str:
    """Return what names a layout of recordings, whatever their order: 32 hexadecimal digits."""
    parts = sorted(f"{each.channel}:{each.participant_recording_id}" for each in inputs)
    return hashlib.sha256("\n".join((layout, *parts)).encode()).hexdigest()[:32]


def merge_stream(set_id: str) -> str:
    """One stream holds all merges of a set, so that only one can run at a time."""
    return f"merge-{set_id}"


class StartMerge(Command):
    """Gateway to recorder: make one file of these, as soon as all of them are finished."""

    type: ClassVar[str] = "merge.start.v1"
    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    merge_id: MergeId
    layout: MergeLayout
    inputs: Annotated[tuple[MergeInput, ...], Field(min_length=1, max_length=100)]
    webhook_url: WebhookUrl | None = None
    storage_prefix: StoragePrefix = ""

    @property
    def set_id(self) -> str:
        return merge_set(self.layout, self.inputs)


class CancelMerge(Command):
    """Gateway to recorder: let it be."""

    type: ClassVar[str] = "merge.cancel.v1"
    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    merge_id: MergeId
    set_id: str
    cancelled_by: str


class MergedFile(Contract):
    """A merged file as it was measured after it was put in place."""

    #: Object key, relative to the storage root.
    path: str
    size_bytes: NonNegativeInt
    #: Hex digest of the whole file.
    sha256: str
    duration_ms: NonNegativeInt
    #: Pixels; 0: there is no picture.
    width: NonNegativeInt = 0
    height: NonNegativeInt = 0


class MergeEvent(Event):
    room_id: RoomId
    session_id: SessionId
    merge_id: MergeId
    set_id: str

    @property
    def stream(self) -> str:
        return merge_stream(self.set_id)


class MergeRequested(MergeEvent):
    type: ClassVar[str] = "merge.requested.v1"

    layout: MergeLayout
    inputs: tuple[MergeInput, ...]
    #: Where this merge is told of, beside the room's own target.
    webhook_url: str | None = None
    storage_prefix: StoragePrefix = ""


class MergeClaimed(MergeEvent):
    """A worker makes it. Claimed again: the worker before it was not heard of for too long."""

    type: ClassVar[str] = "merge.claimed.v1"

    worker_id: str


class MergeProgressed(MergeEvent):
    """The worker is alive, and so far."""

    type: ClassVar[str] = "merge.progressed.v1"

    worker_id: str
    percent: Annotated[int, Field(ge=0, le=100)]


class MergeCompleted(MergeEvent):
    """The file is whole and in place."""

    type: ClassVar[str] = "merge.completed.v1"

    file: MergedFile


class MergeFailed(MergeEvent):
    type: ClassVar[str] = "merge.failed.v1"

    reason: str


class MergeCancelled(MergeEvent):
    type: ClassVar[str] = "merge.cancelled.v1"

    cancelled_by: str


class MergeDeleted(MergeEvent):
    """A recording in it was thrown away: its file is to be erased, and is given to nobody any more."""

    type: ClassVar[str] = "merge.deleted.v1"

    deleted_by: str
    reason: DeletionReason
    #: Object key.
    path: str


class MergeErased(MergeEvent):
    """The file of a deleted merge is gone from the store."""

    type: ClassVar[str] = "merge.erased.v1"
