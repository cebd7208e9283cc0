"""A recording's timeline as one HTML file: no scripts, nothing fetched, readable without colours."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from services.audit.lookup import Examined
from services.audit.projections.line import Edge
from services.audit.projections.timeline import RecordingTimeline
from services.audit.views.html import Html, element, together
from services.audit.views.telling import KEPT, Behind, behind, clock, offset, place, scale, timestamp, why
from services.audit.views.timeline_svg import legend, picture

#: Nothing but the style below may be loaded or run, whatever a name may hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(examined: Examined, made_at: datetime) -> str:
    """Return the file's text."""
    told = examined.told
    title = f"Recording {told.recording_id}"
    style = Html((files("services.audit.views") / "timeline.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("title", title),
        element("style", style),
    )
    main = element(
        "main",
        element("h1", title),
        _about(examined, made_at),
        element("h2", "Who was recorded when"),
        legend(),
        picture(told),
        _kept(told),
        _files(told),
        _events(told, behind(told)),
    )
    return f'<!doctype html>\n<html lang="en">{head}{element("body", main)}</html>\n'


def link(edge: Edge | None) -> Html:
    """Return a link to the event in the table below."""
    return element("a", place(edge), href=f"#event-{edge.global_position}") if edge else Html("…")


def _about(examined: Examined, made_at: datetime) -> Html:
    told = examined.told
    first, last = told.positions
    facts: dict[str, tuple[str, ...]] = {
        "Room": (element("code", told.room_id),),
        "Session": (element("code", told.session_id),),
        "Asked for": (
            f"{timestamp(told.requested.moment)} by ",
            element("code", told.requested_by),
            " ",
            link(told.requested),
        ),
        "Began": (f"{timestamp(told.begin.moment)} ", link(told.begin)),
        "Ended": (f"{timestamp(told.end.moment)} ({told.end.what}) ", link(told.end))
        if told.end
        else ("It still runs",),
        "Length": (clock(scale(told).seconds),),
        "Paused": _paused(told),
        "Made from": (f"global positions {first} to {last} of the log, which was read up to {examined.position}",),
        "Made at": (timestamp(made_at),),
    }
    return element(
        "dl", *(part for name, fact in facts.items() if fact for part in (element("dt", name), element("dd", *fact)))
    )


def _paused(told: RecordingTimeline) -> tuple[str, ...]:
    return tuple(part for span in told.pauses if span.begin for part in _pause(span.begin, span.end, told.begin.moment))


def _pause(begin: Edge, end: Edge | None, zero: datetime) -> tuple[str, ...]:
    until = offset(end.moment, zero) if end else "…"
    return (f"{offset(begin.moment, zero)} to {until} ", link(begin), " → ", link(end), " ")


def _table(title: str, caption: str, headings: tuple[str, ...], rows: list[Html]) -> Html:
    head = element("thead", element("tr", *(element("th", heading, scope="col") for heading in headings)))
    table = element("table", element("caption", caption), head, element("tbody", *rows))
    wide = element("div", table, class_="wide", role="region", aria_label=title, tabindex="0")
    return together(element("h2", title), wide)


def _number(text: str) -> Html:
    return element("td", text, class_="number")


def _kept(told: RecordingTimeline) -> Html:
    zero = told.begin.moment
    rows = [
        element(
            "tr",
            element("td", element("code", participant.participant_id), class_="who"),
            _number(offset(part.begin.moment, zero)),
            _number(offset(part.end.moment, zero) if part.end else "…"),
            element("td", KEPT[part.status]),
            element("td", why(part)),
            element("td", link(part.begin), " → ", link(part.end)),
        )
        for participant in told.participants
        for part in participant.parts
    ]
    headings = ("Who", "From", "To", "Kept", "Why not", "Events")
    return _table("What was kept, and why not", "Seconds after the recording's begin", headings, rows)


def _files(told: RecordingTimeline) -> Html:
    rows = []
    for one in told.files:
        who = element("td", element("code", one.participant_id), class_="who")
        if one.file is None:
            why_not = one.gone or one.failure or "not in place yet"
            rows.append(element("tr", who, element("td", f"None: {why_not}", colspan="6")))
            continue
        rows.append(
            element(
                "tr",
                who,
                element("td", element("code", one.file.path), f" {one.gone}".rstrip()),
                element("td", element("code", one.file.sha256)),
                _number(offset(one.begin, told.begin.moment)),
                _number(f"{one.file.duration_ms / 1000:.3f} s"),
                _number(f"{one.file.size_bytes:,}"),
                element("td", link(one.ended)),
            )
        )
    headings = ("Of", "File", "SHA-256", "Begins", "Duration", "Bytes", "Event")
    return _table("Files", "As they were measured once they were in place", headings, rows)


def _events(told: RecordingTimeline, each: list[Behind]) -> Html:
    headings = (
        "Global",
        "Moment (UTC)",
        "After begin",
        "Who",
        "What",
        "Event, and its id",
        "Position and stream",
        "Said by",
    )
    rows = [_event(one, told.begin.moment) for one in each]
    caption = "Every event behind an edge above, by its global position, in the order in which it took effect"
    return _table("The events behind it", caption, headings, rows)


def _event(one: Behind, zero: datetime) -> Html:
    edge = one.edge
    return element(
        "tr",
        _number(place(edge)),
        _number(timestamp(edge.moment)),
        _number(offset(edge.moment, zero)),
        element("td", element("code", one.participant_id) if one.participant_id else "the recording", class_="who"),
        element("td", edge.what + (" (undone: a no took effect before)" if one.undone else "")),
        element(
            "td", element("code", edge.type), " ", element("code", str(edge.event_id), class_="faint"), class_="event"
        ),
        element("td", f"{edge.position} of ", element("code", edge.stream)),
        element("td", element("code", edge.actor), class_="who"),
        id=f"event-{edge.global_position}",
    )
