"""Python's cyclic garbage collector, set so that it does not hold up the event loop.

A full collection looks at every object there is: with a thousand people connected that takes 100 to 180 ms, and with
Python's own settings several of them come while a crowd comes in. Almost all our memory is freed without it, by
reference counts.
"""

from __future__ import annotations

import gc

#: How many objects come, without going again, before the young ones are looked at; how often they are before those that
#: stayed are looked at, too; and how often those are before all are. Python's own are 700, 10 and 10.
_THRESHOLDS = 10_000, 5, 20


def collect_seldom() -> None:
    """Never look again at what is there now, which stays: modules above all; and seldom at what comes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
