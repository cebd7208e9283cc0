"""How long a missing packet is waited for: longer where they come late, by reordering or asked for once more.

Pure: times are arguments.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_SECOND

#: How long it is remembered what a missing packet took, at least; at most twice as long.
SPAN_NS = 60 * NS_PER_SECOND


class Patience:
    """Twice what missing packets took to come lately, at least `least_ns` and at most `most_ns`; that to begin with."""

    def __init__(self, least_ns: int, most_ns: int) -> None:
        self._least_ns = least_ns
        self._most_ns = most_ns
        self._span_since_ns: int | None = None
        self._span_ns = self._span_before_ns = most_ns

    @property
    def wait_ns(self) -> int:
        return max(self._least_ns, min(self._most_ns, 2 * max(self._span_ns, self._span_before_ns)))

    def advance(self, now_ns: int) -> None:
        """Forget what is over; call it with every arrival."""
        if self._span_since_ns is None:
            self._span_since_ns = now_ns
        elif now_ns - self._span_since_ns >= SPAN_NS:
            self._span_before_ns, self._span_ns = self._span_ns, 0
            self._span_since_ns = now_ns

    def came(self, after_ns: int) -> None:
        """Learn that a missing packet came, so long after the first one beyond it."""
        self._span_ns = max(self._span_ns, after_ns)

    def came_too_late(self) -> None:
        """Learn that it was not waited for long enough."""
        self.came(self.wait_ns)
