"""The HTML of a timeline: one file that is safe to open, and holds everything."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from services.audit.lookup import Examined, examine
from services.audit.projections.timeline import timelines
from services.audit.views.html import Html, element, together
from services.audit.views.timeline_html import page
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.unit.audit.story import (
    HARMFUL,
    asked,
    cleared,
    ended,
    entries,
    given,
    joined,
    log_of,
    paused,
    recording_failed,
    resumed,
    told_of,
)


async def story_page(recording: str = "rec") -> str:
    return page(await examine(await log_of(), recording), at(1000))


class _Outline(HTMLParser):
    """Collects elements, and sees that each is closed in its turn."""

    void = frozenset({"meta", "rect", "line"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


async def test_a_name_that_is_meant_to_do_harm_is_text() -> None:
    """Seen to fail without `escape` in `together`, and without that in `element`."""
    text = await story_page()
    assert HARMFUL not in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" in text


async def test_signs_that_turn_the_writing_around_or_move_the_cursor_are_not_in_it() -> None:
    """Seen to fail without the replacement in `shown`."""
    text = await story_page()
    assert "\u202e" not in text
    assert "\x1b" not in text


async def test_it_fetches_nothing_and_runs_nothing() -> None:
    text = await story_page()
    outline = _Outline(text)
    (policy,) = [each["content"] for each in outline.of("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert policy.startswith("default-src 'none'")
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in outline.elements}
    assert not re.search(r"""(?:https?:)?//[a-z]|@import|url\((?!#)""", text)
    assert all(str(each["href"]).startswith("#event-") for each in outline.of("a"))


async def test_every_link_leads_to_an_event_of_the_table() -> None:
    for recording in ("rec", "again", "ann-file"):
        outline = _Outline(await story_page(recording))
        targets = {f"#{each['id']}" for each in outline.of("tr") if "id" in each}
        links = {each["href"] for each in outline.of("a")}
        assert links
        assert links <= targets


async def test_each_span_says_in_words_what_it_is_and_which_events_it_begins_and_ends_with() -> None:
    text = unescape(await story_page())
    assert "black and silence: withdrew consent, from +10.000 s (consent.withdrawn.v1, #16) to +20.000 s" in text
    assert "black and silence: disconnected, from +30.000 s (room.participant-left.v1, #18)" in text
    assert "nothing kept: refused consent, from +0.000 s (recording.started.v1, #13)" in text


async def test_a_reason_is_written_into_the_picture_where_there_is_room_for_it() -> None:
    """Seen to fail without the comparison in `_reason`."""
    written = re.findall(r'<text class="why"[^>]*>([^<]*)<', await story_page())
    assert "withdrew consent" in written
    assert "disconnected" not in written


async def test_the_table_has_all_of_an_event() -> None:
    log = await log_of()
    stored = next(each for each in await log.read_all() if each.type == "consent.withdrawn.v1")
    text = page(await examine(log, "rec"), at(1000))
    (row,) = [row for row in text.split("<tr") if f'id="event-{stored.global_position}"' in row]
    for told in (
        "consent.withdrawn.v1",
        "2 of <code>consent-s:ann",
        str(stored.id),
        "participant:ann",
        "2030-05-17 12:00:20.000Z",
    ):
        assert told in row


async def test_it_tells_the_files_and_the_failures_and_what_it_was_made_of() -> None:
    text = await story_page()
    assert FILE.path in text
    assert FILE.sha256 in text
    assert "9.000 s" in text
    assert "None: disk full" in text
    assert "global positions 6 to 34 of the log, which was read up to 39" in text
    assert "2030-05-17 12:16:40.000Z" in text


def test_pauses_text_versions_and_clears_are_told_with_the_events_behind_them() -> None:
    told = told_of(joined(0), paused(3), resumed(7), given(8, text="<v2>"), cleared(9), paused(10))
    text = page(Examined(told, 9), at(1000))
    _Outline(text)
    (facts,) = re.findall(r"<dt>Paused</dt><dd>(.*?)</dd>", text)
    assert "+3.000 s to +7.000 s" in facts
    assert "+10.000 s to …" in facts
    assert 'href="#event-5"' in facts
    assert 'id="event-5"' in text
    assert "consents (text version &lt;v2&gt;)" in text
    assert "consent ends: they left the room" in text


async def test_a_recording_that_was_never_paused_says_nothing_of_it() -> None:
    assert "Paused" not in await story_page()


async def test_a_recording_that_runs_is_told_as_such() -> None:
    text = await story_page("again")
    assert "It still runs" in text
    assert "and still" in text
    assert "(undone: a no took effect before)" in text


@pytest.mark.parametrize("end", [ended(0), recording_failed(0)], ids=["stopped", "failed"])
def test_a_recording_as_short_as_a_moment_has_a_page(end: object) -> None:
    (told,) = timelines(entries(joined(-1), asked(0), end))  # type: ignore[arg-type]
    _Outline(page(Examined(told, 3), at()))


async def test_its_pictures_are_well_formed() -> None:
    for drawing in re.findall(r"<svg.*?</svg>", await story_page(), re.DOTALL):
        ET.fromstring(drawing)


def test_children_and_attributes_are_escaped_unless_they_are_html() -> None:
    assert element("p", "a<b", Html("<i>"), title='"&') == '<p title="&quot;&amp;">a&lt;b<i></p>'
    assert together("<", Html("<")) == "&lt;<"
    assert element("p", class_="x", aria_label="y") == '<p class="x" aria-label="y"></p>'
