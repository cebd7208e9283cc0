"""The wall clock, as the media path counts."""

from __future__ import annotations

import time


def now_ns() -> int:
    """Return the time of day in ns, in whole microseconds, as events have it."""
    return time.time_ns() // 1000 * 1000
