"""What holds frames back until the watermark has passed their arrival: only then all that was said until then is known.

Pure: no I/O and no clock. How they wait is the matter of `frame_queue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, TimedFrame
from services.recorder.media.frame_queue import FrameQueue
from services.recorder.media.gate import Gate
from services.recorder.media.page import Dropped

#: What a frame may take from its capture to here: how far behind the watermark it is known that none came. That is what
#: it waits for a missing packet at most (`MAX_WAIT_NS`), a jitter of 300 ms (`LATE_NS`), and until it is read
#: (`PAUSE_SECONDS`).
SETTLE_NS = 530 * NS_PER_MS
#: No more than that is let go at a time: what could not be written for an hour is written piece by piece.
_STEP_NS = 10 * NS_PER_SECOND


@dataclass(slots=True)
class RecordingCounters:
    """Frames that came and are in no file of a recording, by the reason."""

    #: Not permitted at every moment from capture to arrival.
    refused: int = 0
    #: They waited in vain for the watermark, or there was no room for them to wait.
    overflowed: int = 0
    #: Their time was written already, or lies before the latest cut.
    late: int = 0
    #: Pictures that build on one that is not in the file.
    baseless: int = 0
    #: Keyframes of another codec than the file's.
    other_codec: int = 0


class HoldBack:
    """The frames of one recording that wait, and which of them it may have."""

    def __init__(self, gate: Gate, start_ns: int, patience_ns: int) -> None:
        """Let frames wait for `patience_ns` after their arrival at most."""
        self.start_ns = start_ns
        #: Nothing that was captured then or later is wanted; None: it is not known yet.
        self.end_ns: int | None = None
        self.queue = FrameQueue(patience_ns)
        self._gate = gate

    def take(self, frames: Iterable[TimedFrame]) -> None:
        """Hold frames back, in the order of their arrival, but those from the end on."""
        end_ns = self.end_ns
        self.queue.put(frames if end_ns is None else [each for each in frames if each.time_ns < end_ns])

    def expire(self, now_ns: int) -> None:
        """Drop what has waited too long."""
        self.queue.expire(now_ns)

    def wants_keyframe(self, *, is_black: bool) -> bool:
        """Tell whether there is nothing for the next picture to build on, neither shown nor waiting."""
        return self.queue.wants_keyframe(is_black=is_black)

    def end_at(self, end_ns: int) -> None:
        """Want nothing from that moment on, which is not before the beginning."""
        self.end_ns = max(end_ns, self.start_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the end is known and has arrived."""
        return self.end_ns is not None and watermark_ns >= self.end_ns + SETTLE_NS

    def steps(self, known_ns: int, watermark_ns: int) -> Iterator[int]:
        """Yield the moments by which the watermark is followed from where it was."""
        over_ns = watermark_ns if self.end_ns is None else min(watermark_ns, self.end_ns)
        yield from range(known_ns + _STEP_NS, over_ns, _STEP_NS)
        yield watermark_ns

    def known(self, watermark_ns: int) -> Iterator[TimedFrame]:
        """Yield the frames that `release` would, as far as they are in memory, and go on holding them."""
        return self.queue.known(watermark_ns)

    def release(self, watermark_ns: int) -> Iterator[TimedFrame | Dropped]:
        """Yield the frames whose arrival the watermark has passed, and hold them no longer.

        What had to be dropped is told in its place among them. There may be more, on disk: `is_through`.
        """
        return self.queue.release(watermark_ns)

    def is_through(self, watermark_ns: int) -> bool:
        """Tell whether nothing that the watermark has passed is on disk."""
        return self.queue.page_in(watermark_ns) is None

    def is_wanted(self, held: TimedFrame) -> bool:
        """Tell whether it was captured between beginning and end."""
        return held.time_ns >= self.start_ns and (self.end_ns is None or held.time_ns < self.end_ns)

    def permits(self, held: TimedFrame) -> bool:
        """Tell whether every moment from its capture to its arrival may be recorded."""
        captured_ns = min(held.time_ns, held.frame.first_arrival_ns)
        return self._gate.permits(captured_ns, held.frame.arrival_ns)


def is_keyframe(held: TimedFrame) -> bool:
    """Tell whether it is a picture that needs none before it."""
    return held.frame.kind == "video" and held.frame.keyframe
