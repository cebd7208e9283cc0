"""Which sender reports are believed. An origin is the sender's clock at timestamp 0, and moves with drift alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.sender_time import REPORT_LIFE_NS, STEP_NS, SenderTime

ORIGIN_NS = 1_900_000_000 * NS_PER_SECOND
TRANSIT_NS = 7 * NS_PER_SECOND
STALL_NS = 18 * NS_PER_SECOND


def told(*origins_ns: int, transit_ns: int = TRANSIT_NS) -> SenderTime:
    """One that was told these origins, one each second from 0 on, while frames came as always."""
    time = SenderTime()
    for second, origin_ns in enumerate(origins_ns):
        assert time.learn(origin_ns, transit_ns, second * NS_PER_SECOND) == 0
    return time


def test_nothing_is_known_before_the_first_report() -> None:
    assert SenderTime().origin_ns(0) is None


def test_the_first_report_is_believed_whatever_its_epoch() -> None:
    assert told(-5).origin_ns(0) == -5


def test_what_was_reported_is_known_for_half_a_minute() -> None:
    time = told(ORIGIN_NS, ORIGIN_NS)
    assert time.origin_ns(NS_PER_SECOND + REPORT_LIFE_NS) == ORIGIN_NS
    assert time.origin_ns(NS_PER_SECOND + REPORT_LIFE_NS + 1) is None


@pytest.mark.parametrize(
    ("told_ms", "believed_ms"),
    [
        pytest.param([1, 2, 3], 2, id="drift and noise"),
        pytest.param([2, 1], 1, id="of two the lower"),
        pytest.param([1, 900, 2], 2, id="one wrong"),
        pytest.param([1, -900, 2, 10**9, 3], 2, id="two wrong of five"),
        pytest.param([1, 2, 3, 900, 901, 902, 903], 900, id="most say something else: the clock was set"),
    ],
)
def test_most_reports_are_right(told_ms: list[int], believed_ms: int) -> None:
    assert told(*(at_ms * NS_PER_MS for at_ms in told_ms)).origin_ns(10 * NS_PER_SECOND) == believed_ms * NS_PER_MS


def test_reports_of_more_than_half_a_minute_ago_have_no_say() -> None:
    time = told(1, 5, 3)
    assert time.learn(9, TRANSIT_NS, REPORT_LIFE_NS + NS_PER_SECOND) == 0
    assert time.origin_ns(REPORT_LIFE_NS + NS_PER_SECOND) == 5, "those of one and of two seconds are left"
    time.learn(9, TRANSIT_NS, REPORT_LIFE_NS + 2 * NS_PER_SECOND + 1)
    assert time.origin_ns(REPORT_LIFE_NS + 2 * NS_PER_SECOND) == 9


def test_however_many_reports_come_the_latest_sixty_count() -> None:
    time = SenderTime()
    for number in range(1_000):
        time.learn(number, TRANSIT_NS, 0)
    assert time.origin_ns(0) == 969


@pytest.mark.parametrize("by_ns", [STALL_NS, STEP_NS, -STEP_NS], ids=["stalled", "a short stall", "left out"])
def test_a_step_that_arrival_shows_too_is_told_by_the_second_report(by_ns: int) -> None:
    time = told(ORIGIN_NS, ORIGIN_NS, ORIGIN_NS, ORIGIN_NS)
    assert time.learn(ORIGIN_NS + by_ns, TRANSIT_NS + by_ns, 5 * NS_PER_SECOND) == 0
    then_ns = by_ns + (1 if by_ns > 0 else -1)
    assert time.learn(ORIGIN_NS + then_ns, TRANSIT_NS + by_ns, 6 * NS_PER_SECOND) == then_ns
    assert time.origin_ns(6 * NS_PER_SECOND) == ORIGIN_NS + min(by_ns, then_ns), "the lower of these two"
    assert time.learn(ORIGIN_NS + by_ns, TRANSIT_NS + by_ns, 7 * NS_PER_SECOND) == 0


@pytest.mark.parametrize(
    ("later_ns", "stalled"), [(STALL_NS // 2, False), (STALL_NS // 2 + 1, True), (STALL_NS * 2, True), (-1, False)]
)
def test_arrival_decides_for_what_it_is_nearer_to(later_ns: int, *, stalled: bool) -> None:
    time = told(ORIGIN_NS, ORIGIN_NS, ORIGIN_NS, ORIGIN_NS + STALL_NS)
    assert time.learn(ORIGIN_NS + STALL_NS, TRANSIT_NS + later_ns, 5 * NS_PER_SECOND) == stalled * STALL_NS


@pytest.mark.parametrize(
    ("before_ns", "last_ns"),
    [
        pytest.param(STALL_NS, STALL_NS + STEP_NS, id="they do not agree with each other"),
        pytest.param(STEP_NS + 5, STEP_NS - 1, id="the last one agrees with what is believed"),
        pytest.param(STEP_NS - 1, STEP_NS, id="the one before does"),
    ],
)
def test_arrival_alone_tells_of_no_step(before_ns: int, last_ns: int) -> None:
    time = told(ORIGIN_NS, ORIGIN_NS, ORIGIN_NS, ORIGIN_NS + before_ns)
    assert time.learn(ORIGIN_NS + last_ns, TRANSIT_NS + last_ns, 5 * NS_PER_SECOND) == 0


def test_a_step_is_told_once_for_each_stall() -> None:
    time, steps_ns = SenderTime(), list[int]()
    for second in range(40):
        stalled_ns = second // 10 * STALL_NS
        steps_ns.append(time.learn(ORIGIN_NS + stalled_ns, TRANSIT_NS + stalled_ns, second * NS_PER_SECOND))
    assert [(second, step_ns) for second, step_ns in enumerate(steps_ns) if step_ns] == [
        (11, STALL_NS),
        (21, STALL_NS),
        (31, STALL_NS),
    ]


_reports = st.tuples(st.integers(-(2**64), 2**64), st.integers(-(2**64), 2**64), st.integers(0, 2 * REPORT_LIFE_NS))


@given(st.lists(_reports, max_size=30))
def test_whatever_is_reported_one_of_the_latest_is_believed_and_no_small_step_is_told(
    reports: list[tuple[int, int, int]],
) -> None:
    time, now_ns, lately = SenderTime(), 0, list[tuple[int, int]]()
    for origin_ns, transit_ns, elapsed_ns in reports:
        now_ns += elapsed_ns
        step_ns = time.learn(origin_ns, transit_ns, now_ns)
        assert step_ns == 0 or abs(step_ns) >= STEP_NS
        lately = [(origin, at_ns) for origin, at_ns in lately if now_ns - at_ns <= REPORT_LIFE_NS]
        lately.append((origin_ns, now_ns))
        assert time.origin_ns(now_ns) in {origin for origin, _ in lately}
