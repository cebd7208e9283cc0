from __future__ import annotations

import pytest

from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.transit import SPAN_NS, LeastTransit


def test_the_first_transit_is_the_least_so_far() -> None:
    transit = LeastTransit(7, 100)
    assert (transit.least_ns, transit.since_ns) == (7, 100)


def test_a_longer_one_changes_nothing_and_a_shorter_one_is_the_least() -> None:
    transit = LeastTransit(7, 0)
    transit.observe(9, 1)
    assert transit.least_ns == 7
    transit.observe(-5, 2)
    assert transit.least_ns == -5


@pytest.mark.parametrize(("arrival_ns", "least"), [(SPAN_NS - 1, 5), (SPAN_NS, 5), (2 * SPAN_NS - 1, 5)])
def test_the_least_holds_for_a_span_of_time_and_the_next(arrival_ns: int, least: int) -> None:
    transit = LeastTransit(5, 0)
    for at_ns in range(0, arrival_ns, 100 * NS_PER_MS):
        transit.observe(9, at_ns)
    transit.observe(9, arrival_ns)
    assert transit.least_ns == least


def test_after_two_spans_it_is_forgotten() -> None:
    transit = LeastTransit(5, 0)
    transit.observe(8, SPAN_NS)
    transit.observe(9, 2 * SPAN_NS)
    assert transit.least_ns == 8
    transit.observe(9, 3 * SPAN_NS)
    assert transit.least_ns == 9


def test_a_span_begins_with_what_arrives_after_the_last_one() -> None:
    transit = LeastTransit(5, 0)
    transit.observe(8, SPAN_NS + 1)
    transit.observe(9, 2 * SPAN_NS)
    assert transit.least_ns == 5
    transit.observe(9, 2 * SPAN_NS + 1)
    assert transit.least_ns == 8


def test_since_when_it_is_known_does_not_change() -> None:
    transit = LeastTransit(5, 100)
    transit.observe(8, 100 + SPAN_NS)
    assert transit.since_ns == 100
