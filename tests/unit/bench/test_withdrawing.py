"""For how long somebody who withdrew is seen."""

from __future__ import annotations

import pytest

from services.bench.media.frames import SentFrames
from services.bench.media.withdrawing import Withdrawal, withdrawing_figure

#: Frames 0 to 299, the first at 100 s, thirty in each second.
FRAMES = SentFrames(100.0, range(300))


def seen_for(said: float, until: float, recorded: range) -> float:
    return Withdrawal(said, said + 1, until).seen_for(FRAMES, [*recorded])


def test_it_is_as_long_as_the_last_frame_shows_that_is_in_the_file() -> None:
    assert seen_for(102.0, 104.0, range(63)) == pytest.approx(0.1)


def test_what_was_recorded_after_the_next_yes_does_not_count() -> None:
    recorded = [*range(61), *range(120, 300)]
    assert Withdrawal(102.0, 103.0, 104.0).seen_for(FRAMES, recorded) == pytest.approx(1 / 30)


def test_a_frame_that_was_sent_before_and_is_not_in_the_file_makes_it_less_than_none() -> None:
    assert seen_for(102.0, 104.0, range(57)) == pytest.approx(-0.1)


def test_the_goal_is_for_99_in_a_hundred() -> None:
    seen = [0.02] * 98 + [0.26] * 2
    figure = withdrawing_figure(seen, [0.9] * 100, 10)
    assert figure.value == pytest.approx(260)
    assert not figure.reached
    assert figure.what == "100 by 10 participants, p99"
    assert figure.times["last frame in the file"].p50 == pytest.approx(20)
    assert figure.times["black on the disk"].p99 == pytest.approx(900)
