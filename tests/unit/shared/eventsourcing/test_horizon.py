from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import DEAD_AFTER, DECIDING, FENCED_AFTER, Horizon
from tests.support.moments import at

TICK = timedelta(microseconds=1)


class SetClock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.second = 0.0

    def __call__(self) -> datetime:
        return at(self.second)


def test_while_nothing_is_said_the_horizon_is_now() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    clock.second = 3
    assert horizon.known_until() == at(3)


def test_a_word_takes_effect_at_the_moment_it_was_said() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    clock.second = 3
    with horizon.saying() as moment:
        assert moment == at(3)


def test_a_word_that_is_not_in_the_log_holds_the_horizon_just_before_it() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    clock.second = 3
    with horizon.saying() as moment:
        clock.second = 60
        assert horizon.known_until() == moment - TICK
    assert horizon.known_until() == at(60)


def test_the_oldest_of_several_words_holds_it() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    clock.second = 1
    first = horizon.saying()
    said = first.__enter__()
    clock.second = 2
    with horizon.saying():
        assert horizon.known_until() == said - TICK
    assert horizon.known_until() == said - TICK
    first.__exit__(None, None, None)
    assert horizon.known_until() == at(2)


def test_a_word_that_failed_does_not_hold_it_any_more() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    with suppress(ValueError), horizon.saying():
        raise ValueError
    clock.second = 3
    assert horizon.known_until() == at(3)


def test_a_word_of_which_nobody_knows_whether_it_was_decided_holds_it_for_so_long() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    with suppress(TimeoutError), horizon.saying((TimeoutError,), timedelta(seconds=30)) as moment:
        clock.second = 5
        raise TimeoutError
    clock.second = 34
    assert horizon.known_until() == moment - TICK
    clock.second = 36
    assert horizon.known_until() == at(36)


def test_a_word_that_was_refused_is_decided() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    with suppress(ValueError), horizon.saying((TimeoutError,), timedelta(seconds=30)):
        raise ValueError
    clock.second = 3
    assert horizon.known_until() == at(3)


@pytest.mark.parametrize("error", [LogUnavailableError("the test said so"), asyncio.CancelledError()])
def test_a_word_that_the_log_did_not_answer_to_or_that_was_cut_off_is_not_decided(error: BaseException) -> None:
    """It may be committed later."""
    clock = SetClock()
    horizon = Horizon(clock)
    with suppress(BaseException), horizon.saying() as moment:
        raise error
    clock.second = DECIDING.total_seconds() - 1
    assert horizon.holds_words
    assert horizon.known_until() == moment - TICK
    clock.second += 2
    assert not horizon.holds_words
    assert horizon.known_until() == at(clock.second)


def test_a_horizon_holds_words_until_they_are_in_the_log() -> None:
    horizon = Horizon(SetClock())
    with horizon.saying():
        assert horizon.holds_words
    assert not horizon.holds_words


# --- fenced


def test_while_it_is_not_renewed_in_time_no_word_is_taken() -> None:
    ticks = [100.0]
    horizon = Horizon(SetClock(), lambda: ticks[-1])
    horizon.renewed(asked_at=100)
    ticks.append(100 + FENCED_AFTER - 0.1)
    assert not horizon.is_fenced
    ticks.append(100 + FENCED_AFTER)
    assert horizon.is_fenced
    with pytest.raises(LogUnavailableError, match="renew"), horizon.saying():
        pass
    assert not horizon.holds_words
    horizon.renewed(asked_at=ticks[-1])
    with horizon.saying():
        assert horizon.holds_words


def test_it_is_fenced_well_before_anybody_takes_it_for_dead() -> None:
    assert FENCED_AFTER <= DEAD_AFTER - 1


def test_what_has_to_be_taken_is_taken_even_then() -> None:
    horizon = Horizon(SetClock())
    horizon.fence()
    with horizon.holding() as moment:
        assert horizon.known_until() < moment


# --- several at once, and the clock


def test_two_words_of_one_moment_hold_it_until_both_are_in_the_log() -> None:
    horizon = Horizon(SetClock())
    with horizon.saying() as first:
        with horizon.saying() as second:
            assert first == second
        assert horizon.known_until() == first - TICK


def test_a_word_is_later_than_every_horizon_that_was_told() -> None:
    horizon = Horizon(SetClock())
    told = horizon.known_until()
    with horizon.saying() as moment:
        assert moment > told


def test_a_clock_that_is_set_back_does_not_take_the_horizon_back() -> None:
    clock = SetClock()
    horizon = Horizon(clock)
    clock.second = 10
    told = horizon.known_until()
    clock.second = 4
    assert horizon.known_until() == told
    with horizon.saying() as moment:
        assert moment == told + TICK
        assert horizon.known_until() == told


@given(st.lists(st.tuples(st.sampled_from(["say", "logged", "ask"]), st.integers(-3, 5)), max_size=30))
def test_the_horizon_never_goes_back_and_never_passes_a_word_that_is_not_in_the_log(
    steps: list[tuple[str, int]],
) -> None:
    clock, said = SetClock(), list[tuple[AbstractContextManager[datetime], datetime]]()
    horizon = Horizon(clock)
    told = horizon.known_until()
    for step, seconds in steps:
        clock.second += seconds
        if step == "say":
            saying = horizon.saying()
            moment = saying.__enter__()
            said.append((saying, moment))
            assert moment > told
        elif step == "logged" and said:
            said.pop(0)[0].__exit__(None, None, None)
        else:
            before, told = told, horizon.known_until()
            assert told >= before
            assert all(told < moment for _, moment in said)
