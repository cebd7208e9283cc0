"""When another ffmpeg may be started. Times are seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.restarts import LASTING_SECONDS, MOST_PAUSE_SECONDS, Restarts


def pause(restarts: Restarts, began_at: float, now: float) -> float:
    """Let one break off, and return how long the next one has to wait."""
    restarts.break_off(began_at, now)
    return next(waited / 100 for waited in range(100_000) if restarts.is_due(now + waited / 100))


def test_before_any_broke_off_one_may_begin() -> None:
    assert Restarts().is_due(0)


def test_after_one_that_lasted_the_next_begins_at_once() -> None:
    restarts = Restarts()
    assert [pause(restarts, at, at + LASTING_SECONDS) for at in (0, 20, 40)] == [0, 0, 0]


def test_pauses_grow_while_none_lasts_up_to_a_bound() -> None:
    restarts = Restarts()
    pauses = [pause(restarts, at, at) for at in range(0, 1000, 100)]
    assert pauses == [0, 0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]


def test_one_that_lasted_ends_the_growing() -> None:
    restarts = Restarts()
    for at in range(0, 1000, 100):
        pause(restarts, at, at)
    assert pause(restarts, 2000, 2000 + LASTING_SECONDS) == 0
    assert pause(restarts, 3000, 3000) == 0.25


@given(st.integers(min_value=1, max_value=3000))
def test_however_often_it_breaks_off_the_next_one_begins_within_the_bound(times: int) -> None:
    restarts = Restarts()
    for _ in range(times):
        restarts.break_off(0, 0)
    assert restarts.is_due(MOST_PAUSE_SECONDS)
