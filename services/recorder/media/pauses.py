"""When a recording was paused, a room's or one participant's: spans of time that no file of it may hold anything of.

Pure. They are told in the order of the log: each ends after it began, and before the next one begins. One that is heard
of late may yet lie before others.
"""

from __future__ import annotations

from services.recorder.media.spans import Span, common, union

#: Its first moment, and the first one after it; None: it lasts.
_Pause = tuple[int, int | None]


class Pauses:
    """A recording is not paused unless it was said so. Times are wall clock, ns."""

    def __init__(self) -> None:
        self._spans: list[_Pause] = []

    def begin(self, at_ns: int) -> None:
        """Take note that the recording is paused from `at_ns` on."""
        self._spans.append((at_ns, None))

    def end(self, at_ns: int) -> None:
        """Take note that the pause which lasts is over at `at_ns`."""
        self._spans = [(begin_ns, at_ns if end_ns is None else end_ns) for begin_ns, end_ns in self._spans]

    def first_in(self, begin_ns: int, end_ns: int) -> int | None:
        """Return the first moment of the span, both ends included, at which the recording is paused; None: never."""
        if not self._spans:
            return None
        overlapping = [
            max(begin_ns, first_ns)
            for first_ns, over_ns in self._spans
            if first_ns <= end_ns and (over_ns is None or over_ns > begin_ns)
        ]
        return min(overlapping, default=None)

    def within(self, begin_ns: int, end_ns: int) -> list[Span]:
        """Return the moments from the one to just before the other at which the recording is paused."""
        paused = [(first_ns, end_ns if over_ns is None else over_ns) for first_ns, over_ns in self._spans]
        return common([(begin_ns, end_ns)], union(paused))
