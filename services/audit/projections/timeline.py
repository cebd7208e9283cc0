"""The timeline of a recording: who was there, who consented and who was recorded when, and what shows it.

Pure: made of the log's entries of one session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.audit.projections.files import FileOnRecord, files_on_record
from services.audit.projections.line import (
    Edge,
    Entry,
    Line,
    Span,
    Status,
    edge,
    in_force,
    line,
    spans,
    stretches,
)
from services.audit.projections.pauses import pauses, pausing
from shared.contracts.participant_recording import ParticipantRecordingEvent, ParticipantRecordingRequested
from shared.contracts.recording import (
    RecordingEvent,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, Role, RoleChanged

Outcome = Literal["running", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the recording's time, and what is kept of the participant for it."""

    status: Status
    #: Why not all is kept.
    reasons: tuple[str, ...]
    begin: Edge
    #: None while the recording runs.
    end: Edge | None


@dataclass(frozen=True, slots=True)
class ParticipantTimeline:
    """One participant in one recording."""

    participant_id: str
    display_name: str
    #: The last they had.
    role: Role | None
    #: Those that reach into the recording. They may have begun before it: it is the same word that holds on.
    present: list[Span]
    consenting: list[Span]
    recorded: list[Span]
    #: The recording from its begin to its end, without a hole.
    parts: list[Part]
    files: list[FileOnRecord]
    #: What was said and then undone by a no that came later into the log and took effect earlier.
    undone: list[Edge]


@dataclass(frozen=True, slots=True)
class RecordingTimeline:
    """One recording."""

    recording_id: str
    room_id: str
    session_id: str
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


def timelines(entries: Sequence[Entry]) -> list[RecordingTimeline]:
    """Return the timelines of a session's recordings, in the order in which these were asked for."""
    asked = [entry for entry in entries if isinstance(entry.event, RecordingRequested)]
    return [_timeline(entry, entries) for entry in asked]


def only(told: RecordingTimeline, participant_id: str) -> RecordingTimeline:
    """Return the timeline with one participant in it."""
    return replace(told, participants=[one for one in told.participants if one.participant_id == participant_id])


def _timeline(asked: Entry, entries: Sequence[Entry]) -> RecordingTimeline:
    request = asked.event
    assert isinstance(request, RecordingRequested)
    own = [
        entry
        for entry in entries
        if isinstance(entry.event, RecordingEvent) and entry.event.recording_id == request.recording_id
    ]
    begin = next((edge(entry) for entry in own if isinstance(entry.event, RecordingStarted)), edge(asked))
    pauses_of_all = pausing(own)
    ended = next((entry for entry in own if isinstance(entry.event, RecordingStopped | RecordingFailed)), None)
    end = edge(ended) if ended else None
    places = [entry.stored.global_position or 0 for entry in entries]
    until = max(end.moment if end else max(entry.event.at for entry in entries), begin.moment)
    return RecordingTimeline(
        recording_id=request.recording_id,
        room_id=request.room_id,
        session_id=request.session_id,
        requested_by=request.requested_by,
        outcome=_outcome(ended),
        requested=edge(asked),
        begin=begin,
        end=end,
        pauses=pauses(pauses_of_all, end),
        until=until,
        positions=(min(places), max(places)),
        participants=[
            _participant(who, of_participant, pauses_of_all, (begin, end), until)
            for who, of_participant in _by_participant(entries, request.recording_id).items()
            if any(entry.event.at <= until for entry in of_participant)
        ],
    )


def _outcome(ended: Entry | None) -> Outcome:
    if ended is None:
        return "running"
    return "failed" if isinstance(ended.event, RecordingFailed) else "stopped"


def _by_participant(entries: Iterable[Entry], recording_id: str) -> dict[str, list[Entry]]:
    """Return what was said about each participant; of their files only those of the recording."""
    each: dict[str, list[Entry]] = {}
    files: set[str] = set()
    for entry in entries:
        event = entry.event
        who = getattr(event, "participant_id", None)
        if isinstance(event, ParticipantRecordingRequested) and event.recording_id == recording_id:
            files.add(event.participant_recording_id)
        if who is not None and not (
            isinstance(event, ParticipantRecordingEvent) and event.participant_recording_id not in files
        ):
            each.setdefault(who, []).append(entry)
    return dict(sorted(each.items()))


def _participant(
    who: str, entries: list[Entry], pauses_of_all: list[Entry], extent: tuple[Edge, Edge | None], until: datetime
) -> ParticipantTimeline:
    begin, end = extent
    counting, undone = in_force([*entries, *pauses_of_all])
    whole = line(counting)
    files = files_on_record(entries)
    failed = any(file.failure is not None for file in files)
    joins = [entry.event for entry in entries if isinstance(entry.event, ParticipantJoined)]
    roles = [entry.event.role for entry in entries if isinstance(entry.event, ParticipantJoined | RoleChanged)]
    return ParticipantTimeline(
        participant_id=who,
        display_name=joins[-1].display_name if joins else "",
        role=roles[-1] if roles else None,
        present=[span for span in spans(whole, lambda now: now.present) if _is_within(span, begin, until)],
        consenting=[span for span in spans(whole, lambda now: now.consents) if _is_within(span, begin, until)],
        recorded=spans(whole, lambda now: now.status == "recorded"),
        parts=[_lost(part) if failed else part for part in _parts(whole, begin, end)],
        files=files,
        undone=[edge(entry) for entry in undone],
    )


def _is_within(span: Span, begin: Edge, until: datetime) -> bool:
    """Tell whether some of it is."""
    before = span.end is not None and span.end.moment <= begin.moment
    return not before and (span.begin is None or span.begin.moment <= until)


def _parts(whole: Line, begin: Edge, end: Edge | None) -> list[Part]:
    """Cut the line to the recording: where a stretch reaches beyond it, the recording's own edge takes its place."""
    parts = []
    for stretch in stretches(whole, lambda now: (now.status, now.reasons)):
        first, last = stretch.span.begin, stretch.span.end
        if first is None or first.moment < begin.moment:
            first = begin
        if end and (last is None or last.moment > end.moment):
            last = end
        if last is None or first.moment < last.moment:
            parts.append(Part(*stretch.key, first, last))
    return parts


def _lost(part: Part) -> Part:
    """Say of what was written into a file that it came to nothing: there is no finished file."""
    return part if part.status == "none" else replace(part, reasons=(*part.reasons, "the file failed later"))
