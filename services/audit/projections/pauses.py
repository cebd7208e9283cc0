"""When a recording was paused. Pure.

A pause that comes late into the log may lie in one that is known: nothing is recorded while any of them lasts, as the
recorder's gate has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.audit.projections.line import Edge, Entry, Span, edge
from shared.contracts.participant_recording import ParticipantRecordingPaused, ParticipantRecordingResumed
from shared.contracts.recording import RecordingPaused, RecordingResumed

_PAUSES = RecordingPaused | ParticipantRecordingPaused
_RESUMES = RecordingResumed | ParticipantRecordingResumed
#: From a pause to its resume. None: it lasts.
_Pause = tuple[Entry, Entry | None]


def pausing(own: Iterable[Entry]) -> list[Entry]:
    """Return the pauses and resumes that count, of a recording's own events; those that overlap are one."""
    together: list[_Pause] = []
    for begin, over in sorted(_pairs(own), key=lambda pause: pause[0].event.at):
        if together and _reaches(together[-1], begin):
            first, last = together[-1]
            together[-1] = first, _later(last, over)
        else:
            together.append((begin, over))
    return [entry for pause in together for entry in pause if entry]


def pauses(pausing: Iterable[Entry], end: Edge | None) -> list[Span]:
    """Return the pauses as spans; the recording's end ends the one that lasts."""
    return [Span(edge(begin), edge(over) if over else end) for begin, over in _pairs(pausing)]


def _pairs(own: Iterable[Entry]) -> list[_Pause]:
    each: list[_Pause] = []
    for entry in own:
        if isinstance(entry.event, _PAUSES):
            each.append((entry, None))
        elif isinstance(entry.event, _RESUMES):
            each = [(begin, over or entry) for begin, over in each]
    return each


def _reaches(pause: _Pause, begin: Entry) -> bool:
    over = pause[1]
    return over is None or over.event.at >= begin.event.at


def _later(one: Entry | None, other: Entry | None) -> Entry | None:
    return max(one, other, key=lambda entry: entry.event.at) if one and other else None
