"""Participant recordings: one participant's file. The recorder says; everyone listens.

A recording of one track alone (VideoSDK's track recording) is one of another kind: it has a file for each stretch of
media, where a recording of sound and picture has one file throughout.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from shared.contracts.gaps import FileGaps, Track
from shared.contracts.identifiers import (
    Moment,
    ParticipantId,
    ParticipantRecordingId,
    RecordingId,
    RoomId,
    SessionId,
    StoragePrefix,
    WebhookUrl,
)
from shared.contracts.message import Command, Contract, Event, added

#: What is in the file: sound and picture, or one track alone.
RecordingKind = Literal["audio_video", "audio", "video"]
#: Somebody wanted what was over gone; whoever stopped it threw it away; its participant withdrew where that erases.
DeletionReason = Literal["requested", "discarded", "withdrawn"]


def participant_recording_stream(session_id: str, participant_id: str, kind: RecordingKind = "audio_video") -> str:
    """One stream holds all recordings of a participant in a session of one kind, so that one can run at a time."""
    if kind == "audio_video":
        return f"participant-recording-{session_id}:{participant_id}"
    return f"participant-recording-{kind}:{session_id}:{participant_id}"


class RecordedFile(Contract):
    """A finished file as it was measured after it was put in place."""

    #: Object key, relative to the storage root.
    path: str
    size_bytes: NonNegativeInt
    #: Hex digest of the whole file.
    sha256: str
    duration_ms: NonNegativeInt
    #: Pixels; 0 where there is no picture.
    width: NonNegativeInt
    height: NonNegativeInt
    #: Empty where the file has no such track.
    video_codec: str
    audio_codec: str
    video_frames: NonNegativeInt
    audio_packets: NonNegativeInt
    #: Whether a decoder had nothing against the parts that it was given. None: it was not asked, or took too long.
    decodes: bool | None = added(None)


class TimelineFile(Contract):
    """The timeline that lies beside a finished file (`shared/contracts/file_timeline.py`)."""

    #: Object key.
    path: str
    size_bytes: NonNegativeInt
    #: Hex digest.
    sha256: str


# -------------------------------------------------------------------------- commands: a server asks, by the gateway


class _AboutParticipant(Command):
    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    kind: RecordingKind = "audio_video"


class StartParticipantRecording(_AboutParticipant):
    """Record a participant of a live session, whether or not there is a room recording."""

    type: ClassVar[str] = "participant-recording.start.v1"

    participant_recording_id: ParticipantRecordingId
    #: Whether the participant's yes holds, and whether they are in the room, as the gateway knows at `at`.
    consents: bool
    present: bool
    webhook_url: WebhookUrl | None = None
    storage_prefix: StoragePrefix = ""


class StopParticipantRecording(_AboutParticipant):
    """End the file at `at`, the moment the gateway received it."""

    type: ClassVar[str] = "participant-recording.stop.v1"

    #: None: whichever runs.
    participant_recording_id: ParticipantRecordingId | None = None
    #: Who throws it away; None: it is kept.
    discarded_by: str | None = None


class PauseParticipantRecording(_AboutParticipant):
    """Record nothing from `at` on; the file goes on in black and silence."""

    type: ClassVar[str] = "participant-recording.pause.v1"


class ResumeParticipantRecording(_AboutParticipant):
    type: ClassVar[str] = "participant-recording.resume.v1"


class DeleteParticipantRecording(_AboutParticipant):
    """Erase the files of a recording; on mere request, of one that is over."""

    type: ClassVar[str] = "participant-recording.delete.v1"

    participant_recording_id: ParticipantRecordingId
    deleted_by: str
    reason: DeletionReason = "requested"


class ParticipantRecordingAccepted(Contract):
    """The recorder's answer: it is in the log."""

    type: ClassVar[str] = "reply.participant-recording-accepted.v1"

    participant_recording_id: ParticipantRecordingId


# ------------------------------------------------------------------------------------------------------------ events


class ParticipantRecordingEvent(Event):
    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    participant_recording_id: ParticipantRecordingId
    kind: RecordingKind = "audio_video"

    @property
    def stream(self) -> str:
        return participant_recording_stream(self.session_id, self.participant_id, self.kind)


class ParticipantRecordingRefused(ParticipantRecordingEvent):
    """A server asked to record somebody who has not agreed. Nothing was recorded."""

    type: ClassVar[str] = "participant-recording.refused.v1"

    #: For programs, for instance `consent_required`.
    code: str


class ParticipantRecordingAwaited(ParticipantRecordingEvent):
    """A server asked to record somebody who is not there yet. They are waited for."""

    type: ClassVar[str] = "participant-recording.awaited.v1"

    until: Moment
    #: Any text: what was taken once is read for ever, whatever may be asked for now.
    webhook_url: str | None = None
    storage_prefix: StoragePrefix = ""


class ParticipantRecordingRequested(ParticipantRecordingEvent):
    """A worker is wanted."""

    type: ClassVar[str] = "participant-recording.requested.v1"

    #: The room recording it is part of; None: a server asked for this one alone.
    recording_id: RecordingId | None = None
    #: Where this recording is told of, beside the room's own target.
    webhook_url: str | None = None
    #: Where its files go, below the storage root.
    storage_prefix: StoragePrefix = ""
    #: The participant was awaited before: this is not the first that is heard of it.
    awaited: bool = False


class ParticipantRecordingStarted(ParticipantRecordingEvent):
    """The file begins. `at` is its time zero."""

    type: ClassVar[str] = "participant-recording.started.v1"

    worker_id: str


class ParticipantRecordingPaused(ParticipantRecordingEvent):
    """From `at` on nothing is recorded; the file goes on in black and silence."""

    type: ClassVar[str] = "participant-recording.paused.v1"


class ParticipantRecordingResumed(ParticipantRecordingEvent):
    type: ClassVar[str] = "participant-recording.resumed.v1"


class TrackFlowStarted(ParticipantRecordingEvent):
    """Packets of a track flow. `at` is the arrival of the first."""

    type: ClassVar[str] = "participant-recording.flow-started.v1"

    track: Track


class TrackFlowStopped(ParticipantRecordingEvent):
    """No packets of a track flow any more, muted or not. `at` is the arrival of the last."""

    type: ClassVar[str] = "participant-recording.flow-stopped.v1"

    track: Track


class ParticipantRecordingStopRequested(ParticipantRecordingEvent):
    """The file ends at `at`; what came before is still being written."""

    type: ClassVar[str] = "participant-recording.stop-requested.v1"


class ParticipantRecordingStopped(ParticipantRecordingEvent):
    """The file is whole and in place. `at` is its last moment."""

    type: ClassVar[str] = "participant-recording.stopped.v1"

    file: RecordedFile
    #: None: whoever wrote it told nothing of them.
    gaps: FileGaps | None = None
    #: None: there is none.
    timeline: TimelineFile | None = None


class TrackFileFinished(ParticipantRecordingEvent):
    """One file of a recording of one track is whole and in place; there may be more. `at` is its last moment."""

    type: ClassVar[str] = "participant-recording.track-file-finished.v1"

    begin: Moment
    file: RecordedFile


class TrackRecordingStopped(ParticipantRecordingEvent):
    """A recording of one track is over; its files, if the track ever sent anything, have been told of."""

    type: ClassVar[str] = "participant-recording.track-stopped.v1"


class ParticipantRecordingFailed(ParticipantRecordingEvent):
    type: ClassVar[str] = "participant-recording.failed.v1"

    reason: str
    #: What ffmpeg or the system said last, for audits: servers are not shown it.
    details: str | None = None


class ParticipantRecordingDeleted(ParticipantRecordingEvent):
    """Its files are to be erased, and are given to nobody any more. What the log says of it stays.

    One that ran is over by this.
    """

    type: ClassVar[str] = "participant-recording.deleted.v1"

    deleted_by: str
    reason: DeletionReason = added("requested")
    #: Object keys.
    paths: tuple[str, ...]
    #: The worker that has to let go of them first; None: nobody wrote.
    written_by: str | None = None


class ParticipantRecordingErased(ParticipantRecordingEvent):
    """The files of a deleted recording are gone from the store."""

    type: ClassVar[str] = "participant-recording.erased.v1"
