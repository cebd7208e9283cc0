"""How much a client may say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.signaling.rate_limit import BURST, PER_SECOND, SIZE, TOLERATED, RateLimit


def admitted(limit: RateLimit, count: int, now: float) -> int:
    return sum(limit.admits(now) for _ in range(count))


def test_a_hundred_messages_may_come_at_once_and_fifty_each_second() -> None:
    assert (BURST, PER_SECOND, TOLERATED) == (100, 50, 1000)


def test_so_many_may_come_at_once_and_no_more() -> None:
    assert admitted(RateLimit(7), BURST + 50, 7) == BURST


def test_after_that_so_many_each_second() -> None:
    limit = RateLimit(0)
    admitted(limit, BURST, 0)
    assert admitted(limit, BURST, 1) == PER_SECOND
    assert admitted(limit, BURST, 1.5) == PER_SECOND / 2


def test_silence_is_not_saved_up_beyond_a_burst() -> None:
    assert admitted(RateLimit(0), 10 * BURST, 1e6) == BURST


def test_a_steady_client_within_the_limit_is_never_stopped() -> None:
    limit = RateLimit(0)
    assert all(limit.admits(number / PER_SECOND) for number in range(10_000))
    assert not limit.is_abused


def test_so_many_over_the_limit_without_a_pause_are_no_mishap() -> None:
    limit = RateLimit(0)
    admitted(limit, BURST + TOLERATED, 0)
    assert not limit.is_abused
    limit.admits(0)
    assert limit.is_abused


def test_a_flood_that_is_slow_enough_to_be_let_through_in_part_is_one_all_the_same() -> None:
    limit = RateLimit(0)
    for number in range(3 * TOLERATED + 3 * BURST):
        limit.admits(number / (2 * PER_SECOND))
    assert limit.is_abused


def test_who_pauses_begins_anew() -> None:
    limit = RateLimit(0)
    admitted(limit, BURST + TOLERATED, 0)
    after = BURST / PER_SECOND
    assert admitted(limit, BURST + TOLERATED, after) == BURST
    assert not limit.is_abused


def test_what_is_long_counts_as_several_messages() -> None:
    """Reading it takes as long."""
    limit = RateLimit(0)
    assert limit.admits(0, 2**20)
    assert admitted(limit, BURST, 0) == BURST - 1 - 2**20 // SIZE
    assert not limit.admits(0.5, 2**20)


def test_what_a_client_may_say_at_all_is_within_a_burst() -> None:
    assert 1 + 2**20 // SIZE <= BURST


_pauses = st.lists(st.floats(0, 3), max_size=300)


@given(_pauses, st.floats(0, 1e6))
def test_never_more_than_a_burst_and_the_rate_are_admitted(pauses: list[float], start: float) -> None:
    limit, now, count = RateLimit(start), start, 0
    for pause in pauses:
        now += pause
        count += limit.admits(now)
        assert count <= BURST + (now - start) * PER_SECOND + 1e-3


@given(_pauses.map(lambda pauses: [pause + 1 / PER_SECOND + 1e-6 for pause in pauses]), st.floats(0, 1e6))
def test_whoever_keeps_the_rate_is_always_admitted(pauses: list[float], start: float) -> None:
    limit, now = RateLimit(start), start
    for pause in pauses:
        now += pause
        assert limit.admits(now)


@given(st.lists(st.integers(0, 400), max_size=40))
def test_only_who_was_over_the_limit_often_enough_is_abusing_it(bursts: list[int]) -> None:
    limit, refused = RateLimit(0), 0
    for second, burst in enumerate(bursts):
        refused += burst - admitted(limit, burst, second)
        assert refused > TOLERATED or not limit.is_abused
