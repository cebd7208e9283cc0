"""Where and when each file is heard and seen, and under which key the merge is stored."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.recorder.merging.keys import merge_key, part_key
from services.recorder.merging.pieces import Piece
from services.recorder.merging.plan import CELL_HEIGHT, CELL_WIDTH, corners, planned, size
from tests.support.merges import requested
from tests.support.moments import at
from tests.support.participant_recordings import FILE


def piece(who: str, begin: float, duration_ms: int = 1000, *, video: str = "vp8", audio: str = "opus") -> Piece:
    tracks = {"duration_ms": duration_ms, "video_codec": video, "audio_codec": audio}
    return Piece(who, 1, at(begin), FILE.model_copy(update=tracks))


def test_a_merge_begins_with_the_first_file_and_ends_with_the_last() -> None:
    plan = planned([piece("ann", 12.25, 500), piece("bob", 10, 4000), piece("zoe", 13, 2500)])
    assert [each.offset_ms for each in plan.placed] == [2250, 0, 3000]
    assert plan.duration_ms == 5500


def test_who_has_several_files_has_one_cell_in_the_order_of_the_participants() -> None:
    plan = planned([piece("bob", 0), piece("ann", 0), piece("bob", 5)])
    assert [[each.offset_ms for each in cell] for cell in plan.cells] == [[0, 5000], [0]]


def test_who_was_only_heard_has_an_empty_cell_and_who_was_only_seen_makes_no_sound() -> None:
    plan = planned([piece("ann", 0, video=""), piece("bob", 0, audio="")])
    assert [len(cell) for cell in plan.cells] == [0, 1]
    assert [each.piece.participant_id for each in plan.sounds] == ["ann"]


@pytest.mark.parametrize(("count", "cells"), [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (5, (3, 2)), (10, (4, 3))])
def test_the_grid_is_about_as_wide_as_high(count: int, cells: tuple[int, int]) -> None:
    assert size(count) == (cells[0] * CELL_WIDTH, cells[1] * CELL_HEIGHT)


@for_all(st.integers(1, 100))
def test_every_cell_is_within_the_grid_and_none_on_another(count: int) -> None:
    width, height = size(count)
    places = corners(count)
    assert len(set(places)) == count
    for left, top in places:
        assert (left % CELL_WIDTH, top % CELL_HEIGHT) == (0, 0)
        assert 0 <= left <= width - CELL_WIDTH
        assert 0 <= top <= height - CELL_HEIGHT


def test_a_merge_is_stored_beside_the_recordings_of_its_session() -> None:
    stereo = requested("m")
    grid = stereo.model_copy(update={"layout": "grid", "storage_prefix": "team/meetings"})
    assert merge_key(stereo) == "s/merge_recording_m.mp3"
    assert merge_key(grid) == "team/meetings/s/composite_recording_m.mp4"


def test_no_two_workers_write_to_the_same_file() -> None:
    keys = {part_key(requested("m"), worker) for worker in ("one", "two")} | {merge_key(requested("m"))}
    assert len(keys) == 3
