"""Room recordings: the gateway asks, the recorder says."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.identifiers import ParticipantId, RecordingId, RoomId, SessionId
from shared.contracts.message import Command, Event

StopReason = Literal["requested", "session_ended"]


def recording_stream(session_id: str) -> str:
    """One stream holds all recordings of a session, so that only one can run at a time."""
    return f"recording-{session_id}"


class RecordingCommand(Command):
    owner: ClassVar[str] = "recorder"

    room_id: RoomId
    session_id: SessionId

    @property
    def stream(self) -> str:
        return recording_stream(self.session_id)


class StartRecording(RecordingCommand):
    """Gateway to recorder: a moderator asked for it."""

    type: ClassVar[str] = "recording.start.v1"
    lapses: ClassVar[bool] = True

    recording_id: RecordingId
    requested_by: ParticipantId


class StopRecording(RecordingCommand):
    """Gateway to recorder: a moderator asked for it. Recorder to itself: the session ended."""

    type: ClassVar[str] = "recording.stop.v1"

    #: None: whichever runs.
    recording_id: RecordingId | None = None
    reason: StopReason = "requested"
    #: None when nobody asked but the session ended.
    requested_by: ParticipantId | None = None
    #: Stop it also when it was asked for and has not started yet.
    unstarted: bool = False


class PauseRecording(RecordingCommand):
    """Gateway to recorder: a moderator asked for it. Files go on in black and silence."""

    type: ClassVar[str] = "recording.pause.v1"

    #: None: whichever runs.
    recording_id: RecordingId | None = None
    requested_by: ParticipantId


class ResumeRecording(RecordingCommand):
    """Gateway to recorder: a moderator asked for it."""

    type: ClassVar[str] = "recording.resume.v1"
    lapses: ClassVar[bool] = True

    #: None: whichever runs.
    recording_id: RecordingId | None = None
    requested_by: ParticipantId


class RecordingEvent(Event):
    room_id: RoomId
    session_id: SessionId
    recording_id: RecordingId

    @property
    def stream(self) -> str:
        return recording_stream(self.session_id)


class RecordingRequested(RecordingEvent):
    type: ClassVar[str] = "recording.requested.v1"

    requested_by: ParticipantId


class RecordingStarted(RecordingEvent):
    """A worker is ready: from now on consenting participants are recorded."""

    type: ClassVar[str] = "recording.started.v1"

    worker_id: str


class RecordingStopped(RecordingEvent):
    type: ClassVar[str] = "recording.stopped.v1"

    reason: StopReason
    requested_by: ParticipantId | None = None


class RecordingPaused(RecordingEvent):
    """From `at` on nothing is recorded; the files go on in black and silence."""

    type: ClassVar[str] = "recording.paused.v1"

    requested_by: ParticipantId


class RecordingResumed(RecordingEvent):
    type: ClassVar[str] = "recording.resumed.v1"

    requested_by: ParticipantId


class RecordingFailed(RecordingEvent):
    type: ClassVar[str] = "recording.failed.v1"

    reason: str
