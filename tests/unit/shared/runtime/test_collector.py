"""The garbage collector looks at what a process starts with once, and then seldom at everything."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from shared.runtime.collector import collect_seldom


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Knot:
    """What only the collector can free: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_before_is_not_looked_at_again() -> None:
    there = [Knot() for _ in range(1000)]
    collect_seldom()
    looked_at = gc.get_objects()
    assert len(looked_at) < 1000
    assert not any(each is there[0] for each in looked_at)


def test_a_crowd_that_comes_causes_no_collection_of_everything() -> None:
    collect_seldom()
    full = gc.get_stats()[2]["collections"]
    crowd = [Knot() for _ in range(100_000)]
    assert gc.get_stats()[2]["collections"] == full
    assert len(crowd) == 100_000


def test_garbage_is_collected_in_the_end() -> None:
    collect_seldom()
    collected = gc.get_stats()[0]["collected"]
    for _ in range(50_000):
        Knot()
    assert gc.get_stats()[0]["collected"] > collected
