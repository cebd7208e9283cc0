"""A recording's timeline in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.audit.lookup import Examined
from services.audit.projections.files import FileOnRecord
from services.audit.projections.line import Edge
from services.audit.projections.participant_timeline import ParticipantTimeline
from services.audit.projections.timeline import RecordingTimeline
from services.audit.views.telling import (
    KEPT,
    Behind,
    Scale,
    behind,
    clock,
    kept_for,
    offset,
    place,
    scale,
    timestamp,
    why,
)
from shared.runtime.printable import shown

#: What fills a cell of a bar, and its style. They differ without colour as well.
_MARKS = {"recorded": ("█", "green"), "blank": ("▒", "yellow"), "none": ("·", "bright_black")}
_PRESENT, _CONSENTS, _OFF = ("━", "blue"), ("━", "magenta"), ("·", "bright_black")
_LABELS, _LEAST_BAR = 14, 20
_UNDONE = " (undone: a no took effect before)"

#: Begin, end, and the mark of what holds in between.
_Bar = Sequence[tuple[Edge | None, Edge | None, tuple[str, str]]]


def show(console: Console, examined: Examined) -> None:
    """Print the picture, what was kept and why not, the files, and the events behind every edge."""
    told = examined.told
    console.print(_head(examined))
    console.print(_picture(told, max(console.width - _LABELS - 3, _LEAST_BAR)))
    console.print(_kept(told))
    console.print(_files(told))
    console.print(_events(told, behind(told)))


def _head(examined: Examined) -> Text:
    told = examined.told
    end = f"{told.outcome} {timestamp(told.end.moment)} {place(told.end)}" if told.end else "still running"
    first, last = told.positions
    paused = "".join(_pause(one.begin, one.end, told.begin.moment) for one in told.pauses if one.begin)
    return Text(
        f"Recording {told.recording_id}\n"
        f"  room {told.room_id}, session {told.session_id}, asked for by {told.requested_by} {place(told.requested)}\n"
        f"  began {timestamp(told.begin.moment)} {place(told.begin)}, {end}; {clock(scale(told).seconds)}\n{paused}"
        f"  made from global positions {first} to {last} of the log, read up to {examined.position}\n"
    )


def _pause(begin: Edge, end: Edge | None, zero: datetime) -> str:
    until = f"{offset(end.moment, zero)} {place(end)}" if end else "…"
    return f"  paused {offset(begin.moment, zero)} {place(begin)} to {until}\n"


def _picture(told: RecordingTimeline, width: int) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, width=_LABELS)
    grid.add_column(no_wrap=True)
    grid.add_row("", _legend())
    ruler = scale(told)
    for participant in told.participants:
        grid.add_row("")
        grid.add_row(Text(shown(participant.participant_id), style="bold"), _title(participant, told))
        grid.add_row(
            "  in the room", _bar([(one.begin, one.end, _PRESENT) for one in participant.present], ruler, width)
        )
        grid.add_row(
            "  consents", _bar([(one.begin, one.end, _CONSENTS) for one in participant.consenting], ruler, width)
        )
        grid.add_row(
            "  kept", _bar([(one.begin, one.end, _MARKS[one.status]) for one in participant.parts], ruler, width)
        )
    grid.add_row("", _axis(ruler, width))
    return grid


def _legend() -> Text:
    return Text.assemble(*(part for name, mark in _MARKS.items() for part in (mark, f" {KEPT[name]}   ")))  # type: ignore[index]


def _title(participant: ParticipantTimeline, told: RecordingTimeline) -> Text:
    title = Text(
        f"{shown(participant.display_name)}  recorded {clock(kept_for(participant, told.until).total_seconds())}"
    )
    for file in participant.files:
        if file.failure is not None:
            title.append(f"  failed: {shown(file.failure)}", style="red")
    return title


def _bar(each: _Bar, ruler: Scale, width: int) -> Text:
    cells = [_OFF] * width
    for begin, end, mark in each:
        left, right = ruler.stretch(begin, end)
        first = min(round(left * width), width - 1)
        for cell in range(first, max(round(right * width), first + 1)):
            cells[cell] = mark
    return Text.assemble(*cells)


def _axis(ruler: Scale, width: int) -> Text:
    axis = ""
    for mark in ruler.marks():
        column = round(mark / ruler.seconds * width) if ruler.seconds else 0
        if column >= len(axis):
            axis = axis.ljust(column) + f"╵{clock(mark)} "
    return Text(axis[:width], style="bright_black")


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _kept(told: RecordingTimeline) -> Table:
    table = _table("What was kept, and why not", "who", "from", "to", "kept", "why not", "events")
    for participant in told.participants:
        for part in participant.parts:
            table.add_row(
                Text(shown(participant.participant_id)),
                offset(part.begin.moment, told.begin.moment),
                offset(part.end.moment, told.begin.moment) if part.end else "…",
                Text(KEPT[part.status], style=_MARKS[part.status][1]),
                why(part),
                f"{place(part.begin)} → {place(part.end) or '…'}",
            )
    return table


def _files(told: RecordingTimeline) -> Table:
    table = _table("Files", "who", "file, and its sha256", "begin", "duration", "bytes")
    table.columns[1].ratio = 1
    for one in told.files:
        file = one.file
        table.add_row(
            Text(shown(one.participant_id)),
            Text(_file(one)),
            offset(one.begin, told.begin.moment),
            clock(file.duration_ms / 1000) if file else "",
            str(file.size_bytes) if file else "",
        )
    return table


def _file(one: FileOnRecord) -> str:
    if one.file is None:
        return shown(f"none: {one.gone or one.failure or 'not in place yet'}")
    return "\n".join(filter(None, (shown(one.file.path), one.file.sha256, one.gone)))


def _events(told: RecordingTimeline, each: Sequence[Behind]) -> Table:
    table = _table(
        "The events behind it", "global", "moment", "who and what", "event, its place in its stream, and its id"
    )
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    table.columns[-1].ratio = 1
    for one in each:
        edge = one.edge
        table.add_row(
            place(edge),
            f"{timestamp(edge.moment)}\n{offset(edge.moment, told.begin.moment)}",
            Text(f"{shown(one.participant_id or '')}\n{shown(edge.what)}{_UNDONE if one.undone else ''}".lstrip()),
            Text(
                "\n".join(
                    map(shown, (edge.type, f"{edge.position} of {edge.stream}", f"by {edge.actor}", str(edge.event_id)))
                )
            ),
        )
    return table
