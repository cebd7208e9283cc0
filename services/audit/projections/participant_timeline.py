"""One participant's part in a recording: when they were there, consented and were recorded, and what shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.audit.projections.files import FileOnRecord, files_on_record
from services.audit.projections.line import Edge, Entry, Line, Span, Status, edge, in_force, line, spans, stretches
from shared.contracts.participant_recording import ParticipantRecordingEvent
from shared.contracts.room import ParticipantJoined, Role, RoleChanged


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


def by_participant(entries: Iterable[Entry], files: set[str]) -> dict[str, list[Entry]]:
    """Return what was said about each participant; of their files only those with these ids."""
    each: dict[str, list[Entry]] = {}
    for entry in entries:
        event = entry.event
        who = getattr(event, "participant_id", None)
        foreign = isinstance(event, ParticipantRecordingEvent) and event.participant_recording_id not in files
        if who is not None and not foreign:
            each.setdefault(who, []).append(entry)
    return dict(sorted(each.items()))


def participant_timeline(
    who: str, entries: list[Entry], pauses_of_all: list[Entry], extent: tuple[Edge, Edge | None], until: datetime
) -> ParticipantTimeline:
    """Return it, of what was said about the participant and of the pauses that they share with others."""
    begin, end = extent
    counting, undone = in_force([*entries, *pauses_of_all])
    whole = line(counting)
    files = files_on_record(entries)
    joins = [entry.event for entry in entries if isinstance(entry.event, ParticipantJoined)]
    roles = [entry.event.role for entry in entries if isinstance(entry.event, ParticipantJoined | RoleChanged)]
    return ParticipantTimeline(
        participant_id=who,
        display_name=joins[-1].display_name if joins else "",
        role=roles[-1] if roles else None,
        present=[span for span in spans(whole, lambda now: now.present) if _is_within(span, begin, until)],
        consenting=[span for span in spans(whole, lambda now: now.consents) if _is_within(span, begin, until)],
        recorded=spans(whole, lambda now: now.status == "recorded"),
        parts=[_told(part, files) for part in _parts(whole, begin, end)],
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


def _told(part: Part, files: list[FileOnRecord]) -> Part:
    """Say of what was written into a file that it came to nothing: it was never finished, or was deleted."""
    if part.status == "none":
        return part
    failed = any(file.failure is not None for file in files)
    deleted = any(_is_into(part, file) and file.deleted for file in files)
    later = filter(
        None, ("the file failed later" if failed else None, "the file was deleted later" if deleted else None)
    )
    return replace(part, reasons=(*part.reasons, *later))


def _is_into(part: Part, file: FileOnRecord) -> bool:
    """Tell whether it was written while that file could be: their next one begins after a deletion."""
    return file.begin <= part.begin.moment and (file.deleted is None or part.begin.moment < file.deleted.moment)
