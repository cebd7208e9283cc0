"""Room recordings: the gateway says, a worker of the recorder confirms."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from shared.contracts.identifiers import ParticipantId, RecordingId, RoomId, SessionId
from shared.contracts.message import Command, Event, added

StopReason = Literal["requested", "session_ended"]

#: A worker that is alive answers a request to record in milliseconds; later than this, nobody will.
WORKER_ANSWERS_WITHIN = timedelta(seconds=5)


def recording_stream(session_id: str) -> str:
    """One stream holds all recordings of a session, so that only one can run at a time."""
    return f"recording-{session_id}"


class ConfirmRecording(Command):
    """Recorder to gateway: a worker is ready to record."""

    type: ClassVar[str] = "recording.confirm.v1"
    owner: ClassVar[str] = "gateway"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    recording_id: RecordingId
    worker_id: str


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
    #: Who stopped it throws it away: the files of its participants are to be erased.
    discarded: bool = added(False)


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
