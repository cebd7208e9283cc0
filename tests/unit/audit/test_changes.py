"""What a comparison of two moments tells."""

from __future__ import annotations

import pytest

from services.audit.bootstrap import DECIDERS
from services.audit.changes import FieldChange, StreamChange, changes
from services.audit.reading import Point
from services.audit.replay import Request, replay
from services.audit.selection import Wanted
from services.audit.views.replay_text import show_changes
from shared.contracts.message import Event
from tests.support.moments import at
from tests.unit.audit.story import STORY, asked, begun, given, joined, log_of, paused, resumed, withdrawn


async def changed(since: Point, until: Point | None = None, wanted: Wanted | None = None) -> dict[str, StreamChange]:
    replayed = await replay(await log_of(), DECIDERS, Request(until or Point(), since, wanted or Wanted()))
    return {change.stream: change for change in changes(replayed)}


def place(event: Event) -> int:
    """The global position in the story."""
    return STORY.index(event) + 1


async def test_a_changed_field_is_told_with_its_old_and_its_new_value() -> None:
    position = place(withdrawn(20))
    found = await changed(Point(position - 1), Point(position))
    assert list(found) == ["consent-s:ann"]
    assert not found["consent-s:ann"].appeared
    assert found["consent-s:ann"].fields == (
        FieldChange("answer", "given", "withdrawn"),
        FieldChange("at", "2030-05-17T12:00:05Z", "2030-05-17T12:00:20Z"),
        FieldChange("newest", "2030-05-17T12:00:05Z", "2030-05-17T12:00:20Z"),
        FieldChange("ended", None, "2030-05-17T12:00:20Z"),
    )


async def test_a_stream_that_began_in_between_is_told_as_new() -> None:
    position = place(given(5))
    found = await changed(Point(position - 1), Point(position))
    assert found["consent-s:ann"].appeared
    assert FieldChange("answer", None, "given") in found["consent-s:ann"].fields


async def test_a_field_within_a_field_has_a_path() -> None:
    position = place(joined(3, "bob"))
    (room,) = (await changed(Point(position - 1), Point(position))).values()
    assert FieldChange("participants.bob.role", None, "user") in room.fields
    assert all(field.field.startswith("participants.bob.") for field in room.fields)


async def test_times_and_positions_may_be_mixed() -> None:
    found = await changed(Point(place(withdrawn(20)) - 1), Point(moment=at(20)))
    assert FieldChange("answer", "given", "withdrawn") in found["consent-s:ann"].fields


async def test_a_comparison_goes_with_filters() -> None:
    assert list(await changed(Point(8), wanted=Wanted(participant="cy"))) == ["room-r", "consent-s:cy"]


async def test_streams_whose_state_is_what_it_was_are_left_out() -> None:
    """The recording was paused and went on."""
    log = await log_of([asked(1), begun(2), paused(3), resumed(4)])
    assert [each.stream for each in changes(await replay(log, DECIDERS, Request(Point(3), Point(2))))] == [
        "recording-s"
    ]
    assert list(changes(await replay(log, DECIDERS, Request(Point(4), Point(2))))) == []


async def test_what_came_and_went_in_a_list_is_told_and_not_the_whole_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    replayed = await replay(
        await log_of(), DECIDERS, Request(since=Point(moment=at(65)), wanted=Wanted(recording="again"))
    )
    show_changes(replayed, changes(replayed))
    printed = capsys.readouterr().out
    assert 'known: + "again"' in printed
    assert '"rec"' not in printed
    assert 'running.recording_id: nothing → "again"' in printed


async def test_that_nothing_changed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    replayed = await replay(await log_of(), DECIDERS, Request(since=Point(1000)))
    show_changes(replayed, changes(replayed))
    assert capsys.readouterr().out.startswith("Nothing changed.\n")
