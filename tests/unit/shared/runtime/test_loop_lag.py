from __future__ import annotations

import time

from prometheus_client import REGISTRY

from shared.concurrency.supervision import supervised
from shared.runtime.loop_lag import watch_loop
from tests.support.eventually import eventually


def looks(at_most: str = "+Inf") -> float:
    return REGISTRY.get_sample_value("onrecord_event_loop_lag_seconds_bucket", {"le": at_most}) or 0


def late() -> float:
    return looks() - looks("0.05")


async def test_a_loop_that_stood_was_late_at_each_moment_that_it_missed() -> None:
    """Seen to fail with one look for each sleep: a loop that stands half of the time was hardly ever late then."""
    async with supervised(watch_loop()):
        begin = looks()
        await eventually(lambda: looks() > begin)
        before, count = late(), looks()
        time.sleep(1)  # noqa: ASYNC251  it blocks the loop: that is what is looked at
        await eventually(lambda: looks() > count)

    # It came to those of the first 950 ms more than 50 ms late.
    assert 4 <= late() - before <= looks() - count
