"""The timeline in the terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from services.audit.lookup import Examined, examine, list_recordings
from services.audit.projections.timeline import timelines
from services.audit.views.recordings_text import show_recordings
from services.audit.views.telling import Scale, behind, clock
from services.audit.views.timeline_text import show
from tests.support.moments import at
from tests.support.participant_recordings import FILE
from tests.unit.audit.story import (
    asked,
    begun,
    cleared,
    ended,
    entries,
    given,
    joined,
    log_of,
    paused,
    resumed,
    told_of,
    told_story,
)


def console(width: int = 160) -> tuple[Console, StringIO]:
    written = StringIO()
    return Console(file=written, width=width, highlight=False), written


async def story(recording: str = "rec", width: int = 160) -> str:
    terminal, written = console(width)
    show(terminal, await examine(await log_of(), recording))
    return written.getvalue()


def bar(text: str, who: str, lane: int) -> str:
    """The bar of a participant: 1 for presence, 2 for consent, 3 for what was kept."""
    lines = text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(f"{who} "))
    return lines[begin + lane][15:].rstrip()


async def test_the_bars_show_who_was_there_who_consented_and_what_was_kept() -> None:
    """50 s from the begin to the end, in 50 cells."""
    text = await story(width=67)
    assert bar(text, "ann", 1) == "━" * 30 + "·" * 5 + "━" * 15
    assert bar(text, "ann", 2) == "━" * 10 + "·" * 10 + "━" * 30
    assert bar(text, "ann", 3) == "█" * 10 + "▒" * 10 + "█" * 10 + "▒" * 5 + "█" * 15
    assert bar(text, "bob", 3).startswith("·" * 40 + "██")
    assert bar(text, "mona", 3) == "·" * 50


async def test_a_table_tells_why_nothing_was_kept_and_which_events_say_so() -> None:
    text = await story()
    (line,) = [line for line in text.splitlines() if "disconnected" in line]
    assert "ann" in line
    assert "+30.000 s" in line
    assert "black and silence" in line
    assert "#18 → #19" in line


async def test_files_failures_and_events_are_told() -> None:
    text = await story()
    for told in (
        FILE.path,
        FILE.sha256[:30],
        "failed: disk full",
        "consent.withdrawn.v1",
        "2 of consent-s:ann",
        "withdraws consent",
    ):
        assert told in text
    assert "made from global positions 6 to 34 of the log, read up to 39" in text


async def test_what_users_wrote_cannot_move_the_cursor_or_turn_the_writing_around() -> None:
    """Seen to fail without the replacement in `shown`."""
    text = await story()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert '<script>alert("1")</script>�[31m�Ann' in text


async def test_brackets_in_a_name_are_no_markup() -> None:
    (told,) = timelines(entries(joined(-1, name="[red]Ann[/red] [/]"), asked(0), ended(9)))
    terminal, written = console()
    show(terminal, Examined(told, 3))
    assert "[red]Ann[/red] [/]" in written.getvalue()


def test_pauses_are_told_with_the_events_behind_them() -> None:
    terminal, written = console()
    show(terminal, Examined(told_of(joined(0), paused(3), resumed(7), paused(9)), 7))
    assert "  paused +3.000 s #5 to +7.000 s #6\n  paused +9.000 s #7 to …\n" in written.getvalue()
    assert "the recording pauses" in written.getvalue()
    assert "the recording is paused" in written.getvalue()


def test_words_are_told_with_their_text_version_and_a_clear_with_its_reason() -> None:
    terminal, written = console(220)
    show(terminal, Examined(told_of(joined(0), given(1, text="v\x9b2"), cleared(5)), 6))
    assert "consents (text version v�2)" in written.getvalue()
    assert "consent ends: they left the room" in written.getvalue()


async def test_a_recording_that_is_paused_is_listed_as_such() -> None:
    terminal, written = console()
    show_recordings(terminal, await list_recordings(await log_of((asked(0), begun(0), paused(3)))))
    assert "paused" in written.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 300])
async def test_it_is_told_on_every_width(width: int) -> None:
    assert "recorded" in await story("again", width)


def test_a_recording_as_short_as_a_moment_is_told() -> None:
    (told,) = timelines(entries(joined(-1), asked(0), ended(0)))
    terminal, written = console()
    show(terminal, Examined(told, 3))
    assert "0 s" in written.getvalue()


async def test_recordings_are_listed_with_their_whole_ids_and_how_they_ended() -> None:
    terminal, written = console()
    show_recordings(terminal, await list_recordings(await log_of()))
    assert "2030-05-17 12:01:00.000Z" in written.getvalue()
    assert "still running" in written.getvalue()
    assert "ann, bob" in written.getvalue()


def test_that_there_are_none_is_said() -> None:
    terminal, written = console()
    show_recordings(terminal, [])
    assert written.getvalue() == "The log has no recordings.\n"


# --- what both views say


async def test_every_event_behind_an_edge_is_told_once_in_the_order_of_effect() -> None:
    first, second = await told_story()
    each = behind(first)
    assert len({one.edge.event_id for one in each}) == len(each)
    assert [one.edge.moment for one in each] == sorted(one.edge.moment for one in each)
    assert [one.participant_id for one in behind(second) if one.undone] == ["cy"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (0.5, "0.5 s"), (59.94, "59.9 s"), (67, "1:07"), (7267, "2:01:07")]
)
def test_seconds_are_told_as_people_read_them(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize("seconds", [0.0, 0.001, 1, 17, 3600, 86400, 10_000_000])
def test_an_axis_has_a_handful_of_marks_from_its_begin_on(seconds: float) -> None:
    marks = Scale(at(), at(seconds)).marks()
    assert marks[0] == 0
    assert len(marks) <= 10
    assert marks[-1] <= seconds + 1e-9


def test_what_lies_outside_is_drawn_at_the_border() -> None:
    ruler = Scale(at(0), at(10))
    assert [ruler.share(at(second)) for second in (-5, 0, 5, 10, 15)] == [0, 0, 0.5, 1, 1]
