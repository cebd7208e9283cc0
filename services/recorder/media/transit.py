"""How long packets are on their way: the least of late is what a way takes, and whatever is above it is jitter.

Pure: times are arguments. A transit is the arrival less the time of the media (RFC 3550 appendix A.8), so one alone
means nothing, and two differ by how much longer the one took. When the sender's clock drifts, they drift.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_SECOND

#: Long enough that in a jitter of some hundred ms something comes through without waiting, short enough that a drift
#: of 200 ppm is followed to the millisecond.
SPAN_NS = 2 * NS_PER_SECOND


class LeastTransit:
    """The least transit of what arrived in the last 2 to 4 s: of this span of time, and of the one before."""

    def __init__(self, transit_ns: int, arrival_ns: int) -> None:
        #: Arrival of the first one of all.
        self.since_ns = arrival_ns
        self._span_since_ns = arrival_ns
        self._span_ns = self._span_before_ns = transit_ns

    @property
    def least_ns(self) -> int:
        return min(self._span_ns, self._span_before_ns)

    def observe(self, transit_ns: int, arrival_ns: int) -> None:
        """Learn from a frame: how long it was on its way, and the arrival of its first packet."""
        if arrival_ns - self._span_since_ns >= SPAN_NS:
            self._span_before_ns, self._span_ns = self._span_ns, transit_ns
            self._span_since_ns = arrival_ns
        elif transit_ns < self._span_ns:
            self._span_ns = transit_ns
