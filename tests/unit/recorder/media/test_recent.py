"""What was handed to ffmpeg lately, within its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import Block
from services.recorder.media.recent import RecentBlocks


def block(number: int, size: int = 10) -> Block:
    return Block("audio", number, keyframe=True, data=bytes(size))


def test_what_is_older_than_the_bound_is_forgotten() -> None:
    recent = RecentBlocks(kept_seconds=4)
    for at in range(10):
        recent.add([block(at)], now=at)
    assert recent.again(9) == [block(at) for at in range(5, 10)]


def test_what_was_handed_over_again_is_as_new() -> None:
    recent = RecentBlocks(kept_seconds=4)
    recent.add([block(0)], now=0)
    recent.again(100)
    recent.add([block(1)], now=101)
    assert recent.again(101) == [block(0), block(1)]


@given(st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=50))
def test_it_keeps_the_newest_in_order_and_no_more_than_the_bound_beside_the_newest(batches: list[list[int]]) -> None:
    recent, most = RecentBlocks(kept_seconds=4, most_bytes=100), 100
    added: list[Block] = []
    for batch in batches:
        blocks = [block(len(added) + at, size) for at, size in enumerate(batch)]
        added += blocks
        recent.add(blocks, now=0)
    kept = recent.again(0)
    assert kept == added[len(added) - len(kept) :]
    newest = sum(batches[-1]) if batches else 0
    assert sum(len(each.data) for each in kept) <= max(most, newest)
