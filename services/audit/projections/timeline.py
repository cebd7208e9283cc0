"""The timeline of a recording: who was there, who consented and who was recorded when, and what shows it.

Pure: made of the log's entries of one session. A recording is a moderator's, of all who consent, or a server's, of one
participant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.audit.projections.files import FileOnRecord
from services.audit.projections.line import Edge, Entry, Span, edge
from services.audit.projections.participant_timeline import ParticipantTimeline, by_participant, participant_timeline
from services.audit.projections.pauses import pauses, pausing
from services.audit.projections.recordings import asked_by_server
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackRecordingStopped,
)
from shared.contracts.recording import (
    RecordingEvent,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)

Outcome = Literal["running", "stopped", "discarded", "erased", "failed", "refused"]

_STARTS = RecordingStarted | ParticipantRecordingStarted
#: A server's recording ends where it was told to; its file is finished later.
_STOPS = (
    RecordingStopped
    | ParticipantRecordingStopRequested
    | ParticipantRecordingStopped
    | TrackRecordingStopped
    | ParticipantRecordingDeleted
)
_FAILURES = RecordingFailed | ParticipantRecordingFailed


@dataclass(frozen=True, slots=True)
class RecordingTimeline:
    """One recording."""

    #: Of a server's: its participant recording's.
    recording_id: str
    room_id: str
    session_id: str
    #: A participant, or the server that asked.
    requested_by: str
    outcome: Outcome
    requested: Edge
    #: A worker was ready; the request where none ever was.
    begin: Edge
    #: None while it runs.
    end: Edge | None
    #: When nothing of anybody was recorded.
    pauses: list[Span]
    #: Where the picture ends: where it ended, or the last that is known of the session.
    until: datetime
    #: First and last global position of what the log has of the session.
    positions: tuple[int, int]
    participants: list[ParticipantTimeline]

    @property
    def files(self) -> list[FileOnRecord]:
        return [file for participant in self.participants for file in participant.files]

    @property
    def failures(self) -> dict[str, str]:
        """Why there is no file, by participant."""
        return {file.participant_id: file.failure for file in self.files if file.failure is not None}


@dataclass(frozen=True, slots=True)
class _Recording:
    """What the log has of one recording."""

    recording_id: str
    requested_by: str
    #: Its own entries, the first one asks for it.
    own: list[Entry]
    #: Participant recordings that are part of it.
    files: set[str]
    #: Whom it is of; None: all.
    participant_id: str | None = None


def timelines(entries: Sequence[Entry]) -> list[RecordingTimeline]:
    """Return the timelines of a session's recordings, in the order in which these were asked for."""
    return [_timeline(recording, entries) for recording in _recordings(entries)]


def only(told: RecordingTimeline, participant_id: str) -> RecordingTimeline:
    """Return the timeline with one participant in it."""
    return replace(told, participants=[one for one in told.participants if one.participant_id == participant_id])


def _recordings(entries: Sequence[Entry]) -> Iterator[_Recording]:
    known: set[str] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, RecordingRequested):
            yield _of_moderator(event, entries)
        elif asked_by_server(event) and event.participant_recording_id not in known:
            known.add(event.participant_recording_id)
            yield _of_server(entry, event, entries)


def _of_moderator(asked: RecordingRequested, entries: Sequence[Entry]) -> _Recording:
    own = [
        entry
        for entry in entries
        if isinstance(entry.event, RecordingEvent) and entry.event.recording_id == asked.recording_id
    ]
    files = {
        entry.event.participant_recording_id
        for entry in entries
        if isinstance(entry.event, ParticipantRecordingRequested) and entry.event.recording_id == asked.recording_id
    }
    return _Recording(asked.recording_id, asked.requested_by, own, files)


def _of_server(asked: Entry, event: ParticipantRecordingEvent, entries: Sequence[Entry]) -> _Recording:
    identifier = event.participant_recording_id
    own = [
        entry
        for entry in entries
        if isinstance(entry.event, ParticipantRecordingEvent) and entry.event.participant_recording_id == identifier
    ]
    return _Recording(identifier, asked.stored.actor, own, {identifier}, event.participant_id)


def _timeline(recording: _Recording, entries: Sequence[Entry]) -> RecordingTimeline:
    asked, own = recording.own[0], recording.own
    begin = next((edge(entry) for entry in own if isinstance(entry.event, _STARTS)), edge(asked))
    pauses_of_all = pausing(own)
    # The earliest: a stop that was said before another one may come into the log after it.
    ends = (entry for entry in own if isinstance(entry.event, _STOPS | _FAILURES))
    ended = min(ends, key=lambda entry: entry.event.at, default=None)
    end = edge(ended) if ended else None
    places = [entry.stored.global_position or 0 for entry in entries]
    until = max(end.moment if end else max(entry.event.at for entry in entries), begin.moment)
    about = by_participant(entries, recording.files)
    return RecordingTimeline(
        recording_id=recording.recording_id,
        room_id=getattr(asked.event, "room_id", ""),
        session_id=getattr(asked.event, "session_id", ""),
        requested_by=recording.requested_by,
        outcome=_outcome(asked, own, ended),
        requested=edge(asked),
        begin=begin,
        end=end,
        pauses=pauses(pauses_of_all, end),
        until=until,
        positions=(min(places), max(places)),
        participants=[
            participant_timeline(who, said, pauses_of_all, (begin, end), until)
            for who, said in about.items()
            if recording.participant_id in {None, who} and any(entry.event.at <= until for entry in said)
        ],
    )


def _outcome(asked: Entry, own: list[Entry], ended: Entry | None) -> Outcome:
    if isinstance(asked.event, ParticipantRecordingRefused):
        return "refused"
    if ended is None:
        return "running"
    match ended.event:
        case RecordingStopped(discarded=True) | ParticipantRecordingDeleted(reason="discarded"):
            return "discarded"
        case ParticipantRecordingDeleted():
            return "erased"
        case _:
            return "failed" if any(isinstance(entry.event, _FAILURES) for entry in own) else "stopped"
