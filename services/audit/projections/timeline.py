"""The timeline of a session: who was recorded when, and the word that each span begins and ends with.

Pure. A participant is recorded while a file of theirs runs, they are in the room and they consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.consent import ConsentEvent, ConsentGiven
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
)
from shared.contracts.recording import RecordingEvent
from shared.contracts.room import ParticipantJoined, ParticipantLeft


@dataclass(frozen=True, slots=True)
class Span:
    """Time in which a participant was recorded."""

    begin: datetime
    #: None while it lasts.
    end: datetime | None
    #: What ended it, as a wire type.
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class FileOnRecord:
    """A finished file, as the log tells of it."""

    participant_id: str
    start: datetime
    end: datetime
    file: RecordedFile


@dataclass(slots=True)
class ParticipantTimeline:
    display_name: str = ""
    spans: list[Span] = field(default_factory=list)
    present: bool = False
    consents: bool = False
    file_since: datetime | None = None


@dataclass(slots=True)
class Timeline:
    """One session."""

    session_id: str
    recording_ids: list[str] = field(default_factory=list)
    participants: dict[str, ParticipantTimeline] = field(default_factory=dict)
    files: list[FileOnRecord] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def timeline(session_id: str, events: Iterable[Event]) -> Timeline:
    """Return the session's timeline. Events of other sessions are passed over; order is by when they took effect."""
    told = Timeline(session_id)
    own = [event for event in events if getattr(event, "session_id", None) == session_id]
    for event in sorted(own, key=lambda event: event.at):
        _tell(told, event)
    return told


def _tell(told: Timeline, event: Event) -> None:
    if isinstance(event, RecordingEvent) and event.recording_id not in told.recording_ids:
        told.recording_ids.append(event.recording_id)
    participant_id = getattr(event, "participant_id", None)
    if participant_id is None:
        return
    participant = told.participants.setdefault(participant_id, ParticipantTimeline())
    _note_file(told, participant, event)
    _note_word(participant, event)
    _open_or_close(participant, event)


def _note_file(told: Timeline, participant: ParticipantTimeline, event: Event) -> None:
    match event:
        case ParticipantRecordingStopped():
            start = participant.file_since or event.at
            told.files.append(FileOnRecord(event.participant_id, start, event.at, event.file))
        case ParticipantRecordingFailed():
            told.failures[event.participant_id] = event.reason
        case _:
            pass


def _note_word(participant: ParticipantTimeline, event: Event) -> None:
    match event:
        case ParticipantJoined():
            participant.present, participant.display_name = True, event.display_name
        case ParticipantLeft():
            participant.present = False
        case ConsentEvent():
            participant.consents = isinstance(event, ConsentGiven)
        case ParticipantRecordingStarted():
            participant.file_since = event.at
        case ParticipantRecordingStopped() | ParticipantRecordingFailed():
            participant.file_since = None
        case _:
            pass


def _open_or_close(participant: ParticipantTimeline, event: Event) -> None:
    recorded = participant.present and participant.consents and participant.file_since is not None
    open_span = participant.spans[-1] if participant.spans and participant.spans[-1].end is None else None
    if recorded and open_span is None:
        participant.spans.append(Span(event.at, None))
    elif open_span and not recorded:
        participant.spans[-1] = Span(open_span.begin, event.at, event.type)
