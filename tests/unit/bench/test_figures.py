"""What a figure says of its rounds."""

from __future__ import annotations

from itertools import islice

import pytest

from services.audit.bootstrap import DECIDERS
from services.bench.figures import Baseline, Figure, Goal, Percentiles
from services.bench.meetings import meetings
from services.bench.supply import Supply


def figure(rounds: list[float], bare: list[float], goal: Goal | None = None) -> Figure:
    return Figure("append", "64 clients", "events/s", rounds, Baseline("bare INSERT", bare), goal)


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    # The machine was slow in the second round, for both.
    assert figure([80, 8, 90], [100, 10, 100]).ratio == pytest.approx(0.8)


@pytest.mark.parametrize(("goal", "reached"), [(0.7, True), (0.9, False)])
def test_a_ratio_reaches_its_goal_or_misses_it(goal: float, reached: bool) -> None:
    assert figure([80], [100], Goal("ratio", "at least", goal)).reached is reached


def test_a_time_reaches_its_goal_from_below() -> None:
    assert figure([49], [1], Goal("value", "at most", 50)).reached is True
    assert figure([51], [1], Goal("value", "at most", 50)).reached is False


def test_a_figure_without_a_goal_has_no_verdict() -> None:
    assert figure([80], [100]).reached is None


def test_a_baseline_too_small_to_be_measured_is_compared_with_nothing() -> None:
    assert figure([80], [0]).ratio is None
    assert figure([80], [0], Goal("ratio", "at most", 2)).reached is False


def test_percentiles_are_in_milliseconds() -> None:
    times = Percentiles.of([n / 1000 for n in range(1001)])
    assert (times.p50, times.p90, times.p99, times.p999, times.largest) == pytest.approx((500, 900, 990, 999, 1000))


def test_a_single_time_is_all_of_its_percentiles() -> None:
    assert Percentiles.of([0.002]) == Percentiles(2, 2, 2, 2, 2)


def test_the_same_seed_gives_the_same_meetings_and_payloads() -> None:
    assert list(islice(meetings(1), 500)) == list(islice(meetings(1), 500))
    assert list(islice(meetings(1), 500)) != list(islice(meetings(2), 500))
    assert Supply(1).new_event().payload == Supply(1).new_event().payload


def test_meetings_are_of_rooms_consents_and_recordings_that_deciders_know() -> None:
    happened = list(islice(meetings(1), 5000))
    categories = {event.type.partition(".")[0] for event in happened}
    assert categories == {"room", "consent", "recording", "participant-recording"}
    assert categories <= DECIDERS.keys()


def test_payloads_are_of_about_500_bytes() -> None:
    assert 450 <= Supply(1).mean_bytes <= 600
