"""The picture of a timeline, for HTML: a lane for each thing that has to hold, and one for what was kept."""

from __future__ import annotations

from services.audit.projections.line import Edge
from services.audit.projections.participant_timeline import Part, ParticipantTimeline
from services.audit.projections.timeline import RecordingTimeline
from services.audit.views.html import Html, element, together
from services.audit.views.telling import KEPT, Scale, clock, kept_for, offset, place, scale, why

#: Pixels.
_THIN, _THICK, _AXIS = 10, 22, 24
#: Percent: what is shorter than a moment that can be seen is drawn all the same.
_LEAST = 0.1
#: What is marked beyond it has its label on its left.
_LAST_LABEL = 0.95
#: Pixels: of a lane on a usual screen, and of a sign in it.
_USUAL_WIDTH, _SIGN = 800, 9

_HATCH = Html(
    '<svg class="hidden" aria-hidden="true"><defs><pattern id="hatch" width="8" height="8" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="8" height="8"/>'
    '<line class="hatch-line" y2="8"/></pattern></defs></svg>'
)
_LEGEND = {
    "present": "in the room",
    "consents": "consents",
    "recorded": "recorded: picture and sound",
    "blank": "black and silence in the file",
    "none": "nothing kept",
}


def legend() -> Html:
    each = (
        element("li", element("svg", _box(kind, 0.0, 1.0, 12), aria_hidden="true"), words)
        for kind, words in _LEGEND.items()
    )
    return together(_HATCH, element("ul", *each, class_="legend"))


def picture(told: RecordingTimeline) -> Html:
    ruler = scale(told)
    each = (_participant(participant, told, ruler) for participant in told.participants)
    return together(*each, _lane("", _axis(ruler), _AXIS, "Seconds after the recording's begin", "axis"))


def _participant(participant: ParticipantTimeline, told: RecordingTimeline, ruler: Scale) -> Html:
    present = [_span("present", "in the room", one.begin, one.end, ruler, _THIN) for one in participant.present]
    consents = [_span("consents", "consents", one.begin, one.end, ruler, _THIN) for one in participant.consenting]
    kept = [
        together(
            _span(
                part.status,
                ": ".join(filter(None, (KEPT[part.status], why(part)))),
                part.begin,
                part.end,
                ruler,
                _THICK,
            ),
            _reason(part, ruler),
        )
        for part in participant.parts
    ]
    who = participant.display_name or participant.participant_id
    return element(
        "section",
        _title(participant, told),
        _lane("in the room", together(*present), _THIN, f"When {who} was in the room"),
        _lane("consents", together(*consents), _THIN, f"When {who} consented"),
        _lane("kept", together(*kept), _THICK, f"What was kept of {who}"),
        class_="participant",
        aria_label=who,
    )


def _title(participant: ParticipantTimeline, told: RecordingTimeline) -> Html:
    about = f"{participant.role or ''}, recorded {clock(kept_for(participant, told.until).total_seconds())}".lstrip(
        ", "
    )
    failures = [
        element("span", f" failed: {file.failure}", class_="bad")
        for file in participant.files
        if file.failure is not None
    ]
    return element(
        "h3",
        element("bdi", participant.display_name),
        " ",
        element("code", participant.participant_id),
        " ",
        element("span", about, class_="faint"),
        *failures,
    )


def _lane(name: str, content: Html, height: int, label: str, kind: str = "spans") -> Html:
    ground = "" if kind == "axis" else Html(f'<rect class="ground" width="100%" height="{height}"/>')
    drawing = element("svg", ground, content, height=str(height), role="group", aria_label=label, class_=kind)
    return element("div", element("span", name), drawing, class_="lane")


def _span(kind: str, words: str, begin: Edge | None, end: Edge | None, ruler: Scale, height: int) -> Html:
    """Draw a span. It leads to the event at its begin, and tells a pointer or a screen reader both its events."""
    said = " ".join(
        (
            f"{words}, from {_edge(begin, ruler)}" if begin else f"{words}, from before",
            f"to {_edge(end, ruler)}" if end else "and still",
        )
    )
    box = _box(kind, *ruler.stretch(begin, end), height)
    target = f"#event-{begin.global_position}" if begin else "#"
    return element("a", element("title", said), box, href=target, aria_label=said)


def _reason(part: Part, ruler: Scale) -> Html:
    """Write into a part why nothing is kept, where there is room for it."""
    left, right = ruler.stretch(part.begin, part.end)
    text = why(part)
    if (right - left) * _USUAL_WIDTH < len(text) * _SIGN:
        return Html("")
    return element("text", text, class_="why", x=f"{left * 100:.4f}%", dx="8", y="15", aria_hidden="true")


def _edge(edge: Edge, ruler: Scale) -> str:
    return f"{offset(edge.moment, ruler.begin)} ({edge.type}, {place(edge)})"


def _box(kind: str, left: float, right: float, height: int) -> Html:
    at, width = f"{left * 100:.4f}%", f"{max((right - left) * 100, _LEAST):.4f}%"
    return Html(f'<rect class="{kind}" x="{at}" width="{width}" y="0.5" height="{height - 1}" rx="1.5"/>')


def _axis(ruler: Scale) -> Html:
    return together(*(_mark(seconds, seconds / ruler.seconds if ruler.seconds else 0.0) for seconds in ruler.marks()))


def _mark(seconds: float, share: float) -> Html:
    at, anchor = f"{share * 100:.4f}%", "end" if share > _LAST_LABEL else "start"
    text = element("text", clock(seconds), x=at, y="19", text_anchor=anchor)
    return together(Html(f'<line x1="{at}" x2="{at}" y2="6"/>'), text)
