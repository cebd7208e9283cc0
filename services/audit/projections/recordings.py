"""All recordings of the log, one line each: moderators', and those of one participant that servers ask for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard

from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackRecordingStopped,
)
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

    #: Of a server's: its participant recording's.
    recording_id: str
    room_id: str
    session_id: str
    #: A participant, or the server that asked.
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


def asked_by_server(event: Event) -> TypeGuard[ParticipantRecordingEvent]:
    """Tell whether a server asks for a participant's recording by it."""
    match event:
        case ParticipantRecordingAwaited() | ParticipantRecordingRefused():
            return True
        case ParticipantRecordingRequested():
            return event.recording_id is None
        case _:
            return False


def take_note(known: dict[str, RecordingOnRecord], event: Event, actor: str) -> None:
    """Add what an event says, which are to come in the log's order."""
    if isinstance(event, RecordingRequested):
        known[event.recording_id] = RecordingOnRecord(
            event.recording_id, event.room_id, event.session_id, event.requested_by, event.at
        )
    elif asked_by_server(event):
        _note_servers(known, event, actor)
    elif recording := _meant(known, event):
        _note_change(recording, event)


def _note_servers(known: dict[str, RecordingOnRecord], event: ParticipantRecordingEvent, actor: str) -> None:
    recording = known.setdefault(
        event.participant_recording_id,
        RecordingOnRecord(
            event.participant_recording_id, event.room_id, event.session_id, actor, event.at, participants=[]
        ),
    )
    if isinstance(event, ParticipantRecordingRefused):
        recording.end, recording.failure = event.at, event.code.replace("_", " ")
    elif event.participant_id not in recording.participants:
        recording.participants.append(event.participant_id)


def _meant(known: dict[str, RecordingOnRecord], event: Event) -> RecordingOnRecord | None:
    recording = known.get(getattr(event, "recording_id", None) or "")
    return recording or known.get(getattr(event, "participant_recording_id", ""))


def _note_change(recording: RecordingOnRecord, event: Event) -> None:
    match event:
        case RecordingStarted() | ParticipantRecordingStarted():
            recording.begin = event.at
        case RecordingPaused() | ParticipantRecordingPaused():
            recording.paused = True
        case RecordingResumed() | ParticipantRecordingResumed():
            recording.paused = False
        case RecordingFailed() | ParticipantRecordingFailed():
            recording.end, recording.paused, recording.failure = event.at, False, event.reason
        case (
            RecordingStopped()
            | ParticipantRecordingStopRequested()
            | ParticipantRecordingStopped()
            | TrackRecordingStopped()
            | ParticipantRecordingDeleted()
        ):
            recording.end, recording.paused = recording.end or event.at, False
        case ParticipantRecordingRequested():
            recording.participants.append(event.participant_id)
        case _:
            pass
