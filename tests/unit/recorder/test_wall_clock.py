from __future__ import annotations

from services.recorder.moments import moment, nanoseconds
from services.recorder.wall_clock import now_ns


def test_now_is_a_moment_that_an_event_can_bear() -> None:
    now = now_ns()
    assert nanoseconds(moment(now)) == now
