from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.retries import Retries

RETRIES = Retries((5, 300, 43200))
HOURS_12 = 12 * 3600


def seconds(attempt: int, chance: float = 0, retry_after: float | None = None) -> float:
    wait = RETRIES.after(attempt, chance, retry_after)
    assert wait is not None
    return wait.total_seconds()


def test_after_each_attempt_there_is_its_wait_and_after_the_last_none() -> None:
    assert [RETRIES.after(attempt, 0) for attempt in (1, 2, 3, 4, 40)] == [
        timedelta(seconds=5),
        timedelta(seconds=300),
        timedelta(hours=12),
        None,
        None,
    ]


@pytest.mark.parametrize(("chance", "waits"), [(-1, 270), (0, 300), (1, 330)])
def test_chance_makes_it_a_tenth_longer_or_shorter(chance: float, waits: float) -> None:
    assert seconds(2, chance) == pytest.approx(waits)


def test_a_target_may_ask_for_a_longer_wait_of_half_a_day_at_most() -> None:
    assert seconds(1, retry_after=60) == 60
    assert seconds(1, retry_after=10 * HOURS_12) == HOURS_12
    assert seconds(1, retry_after=float("inf")) == HOURS_12


def test_a_target_that_asks_for_a_short_wait_does_not_use_up_the_attempts() -> None:
    assert seconds(2, retry_after=0) == 300
    assert Retries((0.1,)).after(1, 0, 0) == timedelta(seconds=1)


def test_a_target_cannot_keep_itself_from_being_given_up() -> None:
    assert RETRIES.after(4, 0, 60) is None


@given(st.integers(1, 3), st.floats(-1, 1), st.none() | st.floats(0, 1e12))
def test_a_wait_is_bounded(attempt: int, chance: float, retry_after: float | None) -> None:
    assert 4.5 <= seconds(attempt, chance, retry_after) <= HOURS_12 * 1.1
