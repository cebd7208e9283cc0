"""How late the event loop is: whatever blocks it holds up everybody whom the process serves."""

from __future__ import annotations

import asyncio

from prometheus_client import Histogram

_lag = Histogram(
    "onrecord_event_loop_lag_seconds",
    "How late the event loop came to what was due, looked at 5 times a second.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)

#: Each look wakes the process, which costs it more than the look.
_INTERVAL = 0.2
#: A machine that slept for longer is not asked for each moment of it.
_LONGEST = 60.0


async def watch_loop() -> None:
    """Note how late each look is, for ever.

    The looks that a blocked loop did not come to count as well, each from when it was due: one that stood for a second
    was late five times, and not once.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + _INTERVAL
    while True:
        await asyncio.sleep(due - loop.time())
        now = loop.time()
        due = max(due, now - _LONGEST)
        while due <= now:
            _lag.observe(now - due)
            due += _INTERVAL
