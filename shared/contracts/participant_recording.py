"""Participant recordings: one participant's file. The recorder says; everyone listens."""

from __future__ import annotations

from typing import ClassVar

from pydantic import NonNegativeInt

from shared.contracts.identifiers import ParticipantId, ParticipantRecordingId, RecordingId, RoomId, SessionId
from shared.contracts.message import Contract, Event


def participant_recording_stream(session_id: str, participant_id: str) -> str:
    """One stream holds all recordings of a participant in a session, so that only one can run at a time."""
    return f"participant-recording-{session_id}:{participant_id}"


class RecordedFile(Contract):
    """A finished file as it was measured after it was put in place."""

    #: Object key, relative to the storage root.
    path: str
    size_bytes: NonNegativeInt
    #: Hex digest of the whole file.
    sha256: str
    duration_ms: NonNegativeInt
    #: Pixels.
    width: NonNegativeInt
    height: NonNegativeInt
    video_codec: str
    audio_codec: str
    video_frames: NonNegativeInt
    audio_packets: NonNegativeInt


class ParticipantRecordingEvent(Event):
    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    participant_recording_id: ParticipantRecordingId

    @property
    def stream(self) -> str:
        return participant_recording_stream(self.session_id, self.participant_id)


class ParticipantRecordingRequested(ParticipantRecordingEvent):
    type: ClassVar[str] = "participant-recording.requested.v1"

    #: The room recording it is part of.
    recording_id: RecordingId


class ParticipantRecordingStarted(ParticipantRecordingEvent):
    """The file begins. `at` is its time zero."""

    type: ClassVar[str] = "participant-recording.started.v1"

    worker_id: str


class ParticipantRecordingStopRequested(ParticipantRecordingEvent):
    """The file ends at `at`; what came before is still being written."""

    type: ClassVar[str] = "participant-recording.stop-requested.v1"


class ParticipantRecordingStopped(ParticipantRecordingEvent):
    """The file is whole and in place. `at` is its last moment."""

    type: ClassVar[str] = "participant-recording.stopped.v1"

    file: RecordedFile


class ParticipantRecordingFailed(ParticipantRecordingEvent):
    type: ClassVar[str] = "participant-recording.failed.v1"

    reason: str
