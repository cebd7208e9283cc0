"""The timeline of a session: who was recorded when, and the word that each span begins and ends with.

Pure. A participant is recorded while a file of theirs runs, they are in the room and they consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.consent import ConsentEvent, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
)
from shared.contracts.recording import RecordingEvent
from shared.contracts.room import ParticipantJoined, ParticipantLeft

_NOES = (ConsentRefused, ConsentWithdrawn, ParticipantLeft)


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
    """Return the session's timeline from the log's events, in its order. Those of other sessions are passed over."""
    told = Timeline(session_id)
    own = [event for event in events if getattr(event, "session_id", None) == session_id]
    for event in sorted(_in_force(own), key=lambda event: (event.at, isinstance(event, _NOES))):
        _tell(told, event)
    for event in own:
        if isinstance(event, ParticipantJoined):
            told.participants[event.participant_id].display_name = event.display_name
    return told


def _in_force(events: list[Event]) -> list[Event]:
    """Leave out what was undone: by a no that came into the log after a yes and took effect before it or with it.

    So does the recorder's gate: in doubt it is a no.
    """
    kept: list[Event] = []
    for event in events:
        if isinstance(event, _NOES):
            kept = [word for word in kept if not _undoes(event, word)]
        kept.append(event)
    return kept


def _undoes(no: ConsentRefused | ConsentWithdrawn | ParticipantLeft, word: Event) -> bool:
    yes = ParticipantJoined if isinstance(no, ParticipantLeft) else ConsentGiven
    return isinstance(word, yes) and word.participant_id == no.participant_id and word.at >= no.at


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
            participant.present = True
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
        ended = Span(open_span.begin, event.at, event.type)
        participant.spans[-1:] = [ended] if ended.begin < event.at else []
