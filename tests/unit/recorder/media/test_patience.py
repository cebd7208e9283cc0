from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.patience import SPAN_NS, Patience

LEAST_NS, MOST_NS = 50 * NS_PER_MS, 200 * NS_PER_MS


def patience() -> Patience:
    return Patience(LEAST_NS, MOST_NS)


def calm() -> Patience:
    """One that has forgotten that it began with the most."""
    calmed = patience()
    for span in range(3):
        calmed.advance(span * SPAN_NS)
    return calmed


def test_it_begins_with_the_most() -> None:
    assert patience().wait_ns == MOST_NS


def test_where_nothing_is_missing_it_shrinks_to_the_least_after_two_spans_from_the_first_arrival() -> None:
    shrinking, waits_ns = patience(), list[int]()
    for arrival_ns in (7, SPAN_NS, SPAN_NS + 7, 2 * SPAN_NS + 6, 2 * SPAN_NS + 7):
        shrinking.advance(arrival_ns)
        waits_ns.append(shrinking.wait_ns)
    assert waits_ns == [MOST_NS] * 4 + [LEAST_NS]


@pytest.mark.parametrize(
    ("after_ms", "wait_ms"), [(10, 50), (25, 50), (26, 52), (60, 120), (100, 200), (150, 200), (10_000, 200)]
)
def test_it_is_twice_what_a_missing_packet_took_within_its_bounds(after_ms: int, wait_ms: int) -> None:
    waiting = calm()
    waiting.came(after_ms * NS_PER_MS)
    assert waiting.wait_ns == wait_ms * NS_PER_MS


def test_the_longest_of_a_span_and_the_one_before_counts() -> None:
    waiting = calm()
    for after_ms in (60, 40):
        waiting.came(after_ms * NS_PER_MS)
    waiting.advance(3 * SPAN_NS)
    waiting.came(30 * NS_PER_MS)
    assert waiting.wait_ns == 120 * NS_PER_MS
    waiting.advance(4 * SPAN_NS)
    assert waiting.wait_ns == 60 * NS_PER_MS
    waiting.advance(5 * SPAN_NS)
    assert waiting.wait_ns == LEAST_NS


def test_what_comes_too_late_doubles_it_up_to_the_most() -> None:
    waiting, waits_ms = calm(), list[int]()
    for _ in range(3):
        waiting.came_too_late()
        waits_ms.append(waiting.wait_ns // NS_PER_MS)
    assert waits_ms == [100, 200, 200]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), max_size=40), st.integers(0, 3 * SPAN_NS))
def test_it_never_leaves_its_bounds(afters_ns: list[int | None], elapsed_ns: int) -> None:
    waiting = patience()
    for number, after_ns in enumerate(afters_ns):
        waiting.advance(number * elapsed_ns)
        if after_ns is None:
            waiting.came_too_late()
        else:
            waiting.came(after_ns)
        assert LEAST_NS <= waiting.wait_ns <= MOST_NS
