from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.spans import LongestSpans, Span, common, union, without

_END = 24

_any: st.SearchStrategy[list[Span]] = st.lists(
    st.builds(lambda begin, length: (begin, begin + length), st.integers(0, _END - 6), st.integers(1, 6)), max_size=6
)
_ordered = _any.map(union)


def moments(spans: list[Span]) -> set[int]:
    return {moment for begin, end in spans for moment in range(begin, end)}


def assert_in_order(spans: list[Span]) -> None:
    assert all(begin < end for begin, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@given(_any)
def test_a_union_has_every_moment_once(spans: list[Span]) -> None:
    joined = union(spans)
    assert_in_order(joined)
    assert moments(joined) == moments(spans)
    assert sum(end - begin for begin, end in joined) == len(moments(spans))


def test_in_a_union_spans_that_touch_are_one() -> None:
    assert union([(5, 9), (1, 5), (11, 12)]) == [(1, 9), (11, 12)]
    assert union([(1, 9), (2, 3)]) == [(1, 9)]


@given(_ordered, _ordered)
def test_common_moments_are_in_both(ones: list[Span], others: list[Span]) -> None:
    found = common(ones, others)
    assert_in_order(found)
    assert moments(found) == moments(ones) & moments(others)


@given(_ordered, _ordered)
def test_without_the_others_the_rest_is_left(ones: list[Span], others: list[Span]) -> None:
    rest = without(ones, others)
    assert_in_order(rest)
    assert moments(rest) == moments(ones) - moments(others)


def test_between_spans_that_touch_nothing_is_left() -> None:
    assert without([(0, 10)], [(2, 5), (5, 7)]) == [(0, 2), (7, 10)]


def test_spans_of_any_time_can_be_cut() -> None:
    ever = (-(10**20), 10**20)
    assert without([ever], [(0, 1)]) == [(-(10**20), 0), (1, 10**20)]


# --- the longest


def test_spans_that_touch_are_added_up() -> None:
    longest = LongestSpans(3)
    for span in ((0, 20), (20, 40), (60, 80), (70, 75)):
        longest.add(*span)
    assert longest.spans == [(0, 40), (60, 80)]


def test_a_span_of_no_time_is_none() -> None:
    longest = LongestSpans(3)
    longest.add(5, 5)
    assert longest.spans == []


def test_of_more_than_are_kept_the_shortest_are_left_out_and_counted() -> None:
    longest = LongestSpans(2)
    for span in ((0, 30), (100, 110), (200, 220), (300, 305)):
        longest.add(*span)
    assert longest.spans == [(0, 30), (300, 305)]
    assert (longest.left_out, longest.left_out_ns) == (2, 30)


def test_the_newest_is_kept_as_it_may_go_on() -> None:
    longest = LongestSpans(2)
    for span in ((0, 30), (100, 120), (200, 201), (201, 290)):
        longest.add(*span)
    assert longest.spans == [(0, 30), (200, 290)]


def test_one_that_is_over_and_too_short_is_forgotten_and_not_counted() -> None:
    longest = LongestSpans(5, shortest_ns=10)
    for span in ((0, 9), (20, 30), (40, 49)):
        longest.add(*span)
    assert longest.spans == [(20, 30), (40, 49)]
    longest.add(60, 70)
    assert longest.spans == [(20, 30), (60, 70)]
    assert (longest.left_out, longest.left_out_ns) == (0, 0)


def test_forgetting_the_too_short_makes_room() -> None:
    longest = LongestSpans(2, shortest_ns=10)
    for span in ((0, 10), (20, 21), (30, 40)):
        longest.add(*span)
    assert longest.spans == [(0, 10), (30, 40)]
    assert longest.left_out == 0


@given(_ordered, st.integers(1, 4))
def test_never_more_are_kept_than_may_be_and_none_shorter_than_one_left_out(spans: list[Span], most: int) -> None:
    longest = LongestSpans(most)
    for span in spans:
        longest.add(*span)
        assert len(longest.spans) <= most
    assert len(longest.spans) + longest.left_out == len(spans)
    assert moments(longest.spans) <= moments(spans)
    assert sum(end - begin for begin, end in longest.spans) + longest.left_out_ns == len(moments(spans))
