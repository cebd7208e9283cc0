"""What was handed to ffmpeg lately. Where it dies, nobody knows yet what of that is in its segment.

Pure: time arrives as an argument, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from services.recorder.media.frame import Block

#: Longer than anything takes to get into the file: ffmpeg holds sound back until the next picture comes, for which a
#: file waits 2 s before it is black, then builds a cluster of 250 ms; and that it is stuck takes 0.7 s to be noticed.
KEPT_SECONDS = 4.0
#: 16 Mbit/s for so long.
_MOST_BYTES = 8 * 1024 * 1024


class RecentBlocks:
    """The newest blocks, in the order in which they were handed over, within a bound of time and one of memory."""

    def __init__(self, kept_seconds: float = KEPT_SECONDS, most_bytes: int = _MOST_BYTES) -> None:
        self._kept_seconds = kept_seconds
        self._most_bytes = most_bytes
        self._batches: deque[tuple[float, Sequence[Block], int]] = deque()
        self._bytes = 0

    def add(self, blocks: Sequence[Block], now: float) -> None:
        """Keep what is handed over now, and the newest is always kept; forget what has been written since."""
        size = sum(len(block.data) for block in blocks)
        self._batches.append((now, blocks, size))
        self._bytes += size
        while len(self._batches) > 1 and (self._bytes > self._most_bytes or self._is_old(now)):
            self._bytes -= self._batches.popleft()[2]

    def again(self, now: float) -> list[Block]:
        """Return all of them, to be handed over once more."""
        self._batches = deque((now, blocks, size) for _, blocks, size in self._batches)
        return [block for _, blocks, _ in self._batches for block in blocks]

    def _is_old(self, now: float) -> bool:
        return now - self._batches[0][0] > self._kept_seconds
