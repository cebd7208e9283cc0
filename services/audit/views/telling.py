"""How timelines are told, in the terminal and in HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from services.audit.projections.line import Edge, Span, Status
from services.audit.projections.participant_timeline import Part, ParticipantTimeline
from services.audit.projections.timeline import RecordingTimeline

KEPT: dict[Status, str] = {"recorded": "recorded", "blank": "black and silence", "none": "nothing kept"}

#: Seconds between two marks of an axis.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_MARKS = 9


@dataclass(frozen=True, slots=True)
class Behind:
    """An event that is behind an edge, and of whom it speaks."""

    edge: Edge
    #: None: of the recording.
    participant_id: str | None
    #: Whether it does not count: a no that took effect earlier came later.
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """The time that a picture shows."""

    begin: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.begin).total_seconds()

    def share(self, moment: datetime) -> float:
        """Return where a moment is: 0 at the begin, 1 at the end, not beyond them."""
        if self.seconds <= 0:
            return 0.0
        return min(max((moment - self.begin).total_seconds() / self.seconds, 0.0), 1.0)

    def stretch(self, begin: Edge | None, end: Edge | None) -> tuple[float, float]:
        """Return where a span begins and ends; one that lasts goes to the end."""
        return self.share(begin.moment) if begin else 0.0, self.share(end.moment) if end else 1.0

    def marks(self) -> list[float]:
        """Return round seconds, from 0."""
        step = next((step for step in _STEPS if self.seconds / step < _MOST_MARKS), self.seconds / _MOST_MARKS)
        return [n * step for n in range(int(self.seconds / step) + 1)] if step else [0.0]


def scale(told: RecordingTimeline) -> Scale:
    return Scale(told.begin.moment, told.until)


def timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def clock(seconds: float) -> str:
    """Return seconds as people read them: `7.5 s`, `1:07`, `2:01:07`."""
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def offset(moment: datetime, begin: datetime) -> str:
    """Return a moment as seconds after the recording's begin; before it with a minus."""
    return f"{(moment - begin).total_seconds():+.3f} s"


def place(edge: Edge | None) -> str:
    """Return the event's global position, by which it is found in the table of events."""
    return f"#{edge.global_position}" if edge else ""


def kept_for(participant: ParticipantTimeline, until: datetime) -> timedelta:
    """Return for how long they were recorded."""
    each = ((span.end.moment if span.end else until) - span.begin.moment for span in participant.recorded if span.begin)
    return sum(each, timedelta())


def why(part: Part) -> str:
    return ", ".join(part.reasons)


def behind(told: RecordingTimeline) -> list[Behind]:
    """Return the events behind all edges, each once, in the order in which they took effect."""
    found: dict[UUID, Behind] = {}
    of_recording = (Behind(edge, None) for edge in (told.requested, told.begin, told.end, *_edges(told.pauses)) if edge)
    for one in chain(of_recording, *map(_behind_participant, told.participants)):
        found.setdefault(one.edge.event_id, one)
    return sorted(found.values(), key=lambda one: (one.edge.moment, one.edge.global_position or 0))


def _behind_participant(participant: ParticipantTimeline) -> Iterator[Behind]:
    who = participant.participant_id
    for edge in chain(
        _edges(participant.present),
        _edges(participant.consenting),
        _edges(participant.recorded),
        chain.from_iterable((part.begin, part.end) for part in participant.parts),
        chain.from_iterable(
            (file.requested, file.started, file.ended, file.deleted, file.erased) for file in participant.files
        ),
    ):
        if edge:
            yield Behind(edge, who)
    for edge in participant.undone:
        yield Behind(edge, who, undone=True)


def _edges(spans: list[Span]) -> Iterator[Edge | None]:
    for span in spans:
        yield span.begin
        yield span.end
