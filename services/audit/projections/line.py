"""The line of one participant: what held for them when, each change with the event behind it.

Pure. They are recorded while a file of theirs runs, they are in the room, they consent and the recording is not paused.
What took effect first counts first, however late it came into the log.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from services.audit.projections.words import in_words
from shared.contracts.consent import (
    ConsentAttested,
    ConsentCleared,
    ConsentEvent,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    Yes,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    TrackRecordingStopped,
)
from shared.contracts.recording import RecordingPaused, RecordingResumed
from shared.contracts.room import ParticipantJoined, ParticipantLeft
from shared.eventsourcing.event import StoredEvent

#: Of two events for one moment, these count.
_NOES = (ConsentRefused, ConsentWithdrawn, ConsentCleared, ParticipantLeft)

Status = Literal["recorded", "blank", "none"]


class Entry(NamedTuple):
    """An event of the log, and what it says."""

    stored: StoredEvent
    event: Event


@dataclass(frozen=True, slots=True)
class Edge:
    """The event at which something begins or ends."""

    moment: datetime
    #: In words, for instance `withdraws consent`.
    what: str
    type: str
    stream: str
    position: int
    global_position: int | None
    event_id: UUID
    actor: str


@dataclass(frozen=True, slots=True)
class Span:
    """Time in which something held. No begin: ever before; no end: it lasts."""

    begin: Edge | None
    end: Edge | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for a participant."""

    presence: Literal["not there yet", "present", "left", "disconnected"] = "not there yet"
    consent: Literal["none", "given", "attested", "refused", "withdrawn", "ended by leaving", "ended by a stop"] = (
        "none"
    )
    file: Literal["none", "requested", "running", "finished", "failed", "deleted"] = "none"
    #: By the room recording, and by the file's own pause.
    room_is_paused: bool = False
    file_is_paused: bool = False

    @property
    def present(self) -> bool:
        return self.presence == "present"

    @property
    def consents(self) -> bool:
        return self.consent in {"given", "attested"}

    @property
    def paused(self) -> bool:
        return self.room_is_paused or self.file_is_paused

    @property
    def status(self) -> Status:
        """Whether their media is in a file, a file holds black and silence for them, or there is none."""
        if self.file != "running":
            return "none"
        return "recorded" if self.present and self.consents and not self.paused else "blank"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why they are not recorded."""
        paused = "the recording is paused" if self.paused else None
        noes = (_ABSENT.get(self.presence), _NO_CONSENT.get(self.consent), paused)
        return tuple(filter(None, noes)) or tuple(filter(None, (_NO_FILE.get(self.file),)))


_ABSENT = {"not there yet": "not in the room yet", "left": "left the room", "disconnected": "disconnected"}
_NO_CONSENT = {
    "none": "has not consented",
    "refused": "refused consent",
    "withdrawn": "withdrew consent",
    "ended by leaving": "consent ended when they left",
    "ended by a stop": "consent ended when a recording stopped",
}
_NO_FILE = {
    "none": "no file requested",
    "requested": "file not begun yet",
    "finished": "file finished",
    "failed": "recording failed",
    "deleted": "file deleted",
}

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Key]):
    """A span, and what was the same throughout."""

    key: Key
    span: Span


Line = list[Stretch[Conditions]]


def edge(entry: Entry, what: str | None = None) -> Edge:
    stored, event = entry
    return Edge(
        event.at,
        what or in_words(event),
        stored.type,
        stored.stream,
        stored.position,
        stored.global_position,
        stored.id,
        stored.actor,
    )


def in_force(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Tell what counts, in order of effect, from what was undone.

    A yes is undone by a no that came into the log after it and took effect before it or with it. So does the
    recorder's gate: in doubt it is a no. That a yes was cleared is nobody's no, and undoes nothing.
    """
    kept: list[Entry] = []
    undone: list[Entry] = []
    for entry in entries:
        if isinstance(entry.event, _NOES):
            undone += [word for word in kept if _undoes(entry.event, word.event)]
            kept = [word for word in kept if not _undoes(entry.event, word.event)]
        kept.append(entry)
    return sorted(kept, key=lambda entry: (entry.event.at, isinstance(entry.event, _NOES))), undone


def line(entries: Iterable[Entry]) -> Line:
    """Return the line that these events make, in their order. Stretches as short as a moment are in it."""
    stretches: Line = []
    conditions, begin = Conditions(), None
    for entry in entries:
        after = _after(conditions, entry.event)
        if after != conditions:
            end = edge(entry)
            stretches.append(Stretch(conditions, Span(begin, end)))
            conditions, begin = after, end
    return [*stretches, Stretch(conditions, Span(begin, None))]


def stretches(line: Line, key: Callable[[Conditions], Key]) -> list[Stretch[Key]]:
    """Return the line with its stretches joined where the key is the same. None is as short as a moment."""
    joined = []
    for same, group in groupby(line, lambda stretch: key(stretch.key)):
        each = list(group)
        joined.append(Stretch(same, Span(each[0].span.begin, each[-1].span.end)))
    return [stretch for stretch in joined if not _is_momentary(stretch.span)]


def spans(line: Line, holds: Callable[[Conditions], bool]) -> list[Span]:
    """Return when something held."""
    return [stretch.span for stretch in stretches(line, holds) if stretch.key]


def _is_momentary(span: Span) -> bool:
    return span.begin is not None and span.end is not None and span.begin.moment >= span.end.moment


def _undoes(no: Event, word: Event) -> bool:
    match no:
        case ConsentRefused() | ConsentWithdrawn():
            undone = isinstance(word, Yes)
        case ParticipantLeft():
            undone = isinstance(word, ParticipantJoined) and not _stays(no)
        case _:
            undone = False
    return undone and word.at >= no.at


def _stays(left: ParticipantLeft) -> bool:
    """Tell whether they came in by another connection, and so have not been away."""
    return left.reason == "replaced"


def _after(conditions: Conditions, event: Event) -> Conditions:  # noqa: C901, PLR0911  one case for each event
    match event:
        case ParticipantJoined():
            return replace(conditions, presence="present")
        case ParticipantLeft() if not _stays(event):
            return replace(conditions, presence="disconnected" if event.reason == "timeout" else "left")
        case ConsentEvent():
            return _after_consent(conditions, event)
        case ParticipantRecordingAwaited() | ParticipantRecordingRequested():
            return replace(conditions, file="requested")
        case ParticipantRecordingStarted():
            return replace(conditions, file="running")
        case ParticipantRecordingStopped() | TrackRecordingStopped():
            return replace(conditions, file="finished")
        case ParticipantRecordingFailed():
            return replace(conditions, file="failed")
        case ParticipantRecordingDeleted():
            return replace(conditions, file="deleted")
        case RecordingPaused() | RecordingResumed():
            return replace(conditions, room_is_paused=isinstance(event, RecordingPaused))
        case ParticipantRecordingPaused() | ParticipantRecordingResumed():
            return replace(conditions, file_is_paused=isinstance(event, ParticipantRecordingPaused))
        case _:
            return conditions


def _after_consent(conditions: Conditions, event: ConsentEvent) -> Conditions:
    match event:
        case ConsentGiven():
            return replace(conditions, consent="given")
        case ConsentAttested():
            return replace(conditions, consent="attested")
        case ConsentRefused():
            return replace(conditions, consent="refused")
        case ConsentCleared():
            return replace(conditions, consent="ended by leaving" if event.reason == "left" else "ended by a stop")
        case _:
            return replace(conditions, consent="withdrawn")
