"""What holds frames back until the watermark has passed their arrival: only then all that was said until then is known.

Pure: no I/O and no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, TimedFrame
from services.recorder.media.gate import Gate

#: What a frame may take from its capture to here: how far behind the watermark it is known that none came. That is what
#: it waits for a missing packet at most (`MAX_WAIT_NS`), a jitter of 300 ms (`LATE_NS`), and until it is read
#: (`PAUSE_SECONDS`).
SETTLE_NS = 500 * NS_PER_MS
#: Media that may wait in memory for the watermark.
_MAX_HELD_BYTES = 64 * 1024 * 1024
#: No more than that is let go at a time: what could not be written for an hour is written piece by piece.
_STEP_NS = 10 * NS_PER_SECOND


@dataclass(slots=True)
class RecordingCounters:
    """Frames that came and are in no file of a recording, by the reason."""

    #: Not permitted at every moment from capture to arrival.
    refused: int = 0
    #: Memory was full.
    overflowed: int = 0
    #: Their time was written already, or lies before the latest cut.
    late: int = 0
    #: Pictures that build on one that is not in the file.
    baseless: int = 0
    #: Keyframes of another codec than the file's.
    other_codec: int = 0


class HoldBack:
    """The frames of one recording that wait, in bounded memory, and which of them it may have."""

    def __init__(self, gate: Gate, start_ns: int) -> None:
        self.start_ns = start_ns
        #: Nothing that was captured then or later is wanted; None: it is not known yet.
        self.end_ns: int | None = None
        self._gate = gate
        self._held: deque[TimedFrame] = deque()
        self._bytes = 0
        #: Counted, as it is asked for every 100 ms, just when much is held: while the watermark stands.
        self._keyframes = 0

    @property
    def has_keyframe(self) -> bool:
        """Whether a picture that others may build on waits."""
        return self._keyframes > 0

    def take(self, frames: Iterable[TimedFrame]) -> list[TimedFrame]:
        """Hold frames back, in the order of their arrival; return those that there is no room for, the oldest."""
        for frame in frames:
            self._held.append(frame)
            self._bytes += len(frame.frame.data)
            self._keyframes += is_keyframe(frame)
        dropped = []
        while self._bytes > _MAX_HELD_BYTES:
            dropped.append(self._pop())
        return dropped

    def end_at(self, end_ns: int) -> None:
        """Want nothing from that moment on, which is not before the beginning."""
        self.end_ns = max(end_ns, self.start_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the end is known and has arrived."""
        return self.end_ns is not None and watermark_ns >= self.end_ns + SETTLE_NS

    def known(self, watermark_ns: int) -> Iterator[TimedFrame]:
        """Yield the frames that `release` would, and go on holding them."""
        return takewhile(lambda held: held.frame.arrival_ns <= watermark_ns, self._held)

    def release(self, watermark_ns: int) -> Iterator[TimedFrame]:
        """Yield the frames whose arrival the watermark has passed, and hold them no longer."""
        while self._held and self._held[0].frame.arrival_ns <= watermark_ns:
            yield self._pop()

    def is_wanted(self, held: TimedFrame) -> bool:
        """Tell whether it was captured between beginning and end."""
        return held.time_ns >= self.start_ns and (self.end_ns is None or held.time_ns < self.end_ns)

    def permits(self, held: TimedFrame) -> bool:
        """Tell whether every moment from its capture to its arrival may be recorded."""
        captured_ns = min(held.time_ns, held.frame.first_arrival_ns)
        return self._gate.permits(captured_ns, held.frame.arrival_ns)

    def _pop(self) -> TimedFrame:
        held = self._held.popleft()
        self._bytes -= len(held.frame.data)
        self._keyframes -= is_keyframe(held)
        return held


def steps(known_ns: int, watermark_ns: int, end_ns: int | None) -> Iterator[int]:
    """Yield the moments by which the watermark is followed from where it was; beyond the end at once."""
    yield from range(known_ns + _STEP_NS, watermark_ns if end_ns is None else min(watermark_ns, end_ns), _STEP_NS)
    yield watermark_ns


def is_keyframe(held: TimedFrame) -> bool:
    """Tell whether it is a picture that needs none before it."""
    return held.frame.kind == "video" and held.frame.keyframe
