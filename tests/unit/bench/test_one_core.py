"""How many participants count as recorded without loss."""

from __future__ import annotations

from services.bench.figures import Figure
from services.bench.media.one_core import Level, one_core_figure
from services.bench.media.sending import Sent

LEVELS = [Level(50, 10.0, 40, 500 * 1024), Level(100, 20.0, 80, 1000 * 1024)]


def figure(*lost: float) -> Figure:
    return one_core_figure(LEVELS, 100, 3000, lost, Sent((), 1.5, 9.0))


def test_where_nothing_was_lost_it_is_the_most_that_were_tried() -> None:
    told = figure()
    assert (told.value, told.reached) == (100, True)
    assert told.details == {
        "most that were tried": 100,
        "recorded at once in the end": 100,
        "frames recorded": 3000,
        "frames lost": 0,
        "of the core used, %": 80,
        "CPU for each, % of a core": 0.8,
        "memory for each, all included, MiB": 10,
        "sent late, p99, ms": 1.5,
    }


def test_of_those_that_came_before_the_first_loss_it_is_the_last() -> None:
    told = figure(17.0, 12.0, 18.0)
    assert (told.value, told.reached) == (50, False)
    assert told.details["frames lost"] == 3
    assert told.details["of the core used, %"] == 40


def test_where_the_first_level_lost_frames_it_is_nobody() -> None:
    assert figure(5.0).value == 0


def test_where_no_number_was_reached_it_is_nobody() -> None:
    told = one_core_figure([], 7, 200, [], Sent((), 0.0, 0.0))
    assert (told.value, told.details["most that were tried"], told.details["recorded at once in the end"]) == (0, 0, 7)
