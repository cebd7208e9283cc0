"""All recordings of the log, one line each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.recording import (
    RecordingFailed,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)


@dataclass(slots=True)
class RecordingOnRecord:
    """A recording, as the log tells of it."""

    recording_id: str
    room_id: str
    session_id: str
    requested_by: str
    requested_at: datetime
    #: None until a worker was ready.
    begin: datetime | None = None
    #: None while it runs.
    end: datetime | None = None
    failure: str | None = None
    paused: bool = False
    #: Those of whom a file was requested.
    participants: list[str] = field(default_factory=list)


def take_note(known: dict[str, RecordingOnRecord], event: Event) -> None:
    """Add what an event says, which are to come in the log's order."""
    if isinstance(event, RecordingRequested):
        known[event.recording_id] = RecordingOnRecord(
            event.recording_id, event.room_id, event.session_id, event.requested_by, event.at
        )
        return
    recording = known.get(getattr(event, "recording_id", ""))
    if recording is None:
        return
    match event:
        case RecordingStarted():
            recording.begin = event.at
        case RecordingPaused() | RecordingResumed():
            recording.paused = isinstance(event, RecordingPaused)
        case RecordingStopped():
            recording.end, recording.paused = event.at, False
        case RecordingFailed():
            recording.end, recording.paused, recording.failure = event.at, False, event.reason
        case ParticipantRecordingRequested():
            recording.participants.append(event.participant_id)
        case _:
            pass
