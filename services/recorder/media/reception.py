"""What was received of one sender, as receiver reports tell it.

Pure: times are arguments. RFC 3550 section 6.4.1, and appendices A.3 (loss) and A.8 (jitter).
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.rtcp import ReportBlock, SenderReport
from services.recorder.media.sequence import nearest


class Reception:
    """Counts the packets of one sender up to its restart; `rate_hz` is the clock rate of its timestamps."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._first = self._highest = 0
        self._received = 0
        #: What was expected and what was received when it was last told.
        self._told = 0, 0
        #: Of the last packet that counted for jitter; None before the first.
        self._timestamp: int | None = None
        #: Its ticks on its way, of which the lowest 32 bits count.
        self._transit = 0
        #: 16 times the mean deviation of the transit, in ticks.
        self._jitter_16 = 0
        self._heard: tuple[SenderReport, int] | None = None

    def receive(self, sequence: int, timestamp: int, arrival_ns: int) -> None:
        """Take note of a packet, also one that came before: its unwrapped sequence number, its timestamp."""
        if not self._received:
            self._first = self._highest = sequence
        elif sequence > self._highest:
            self._highest = sequence
        self._received += 1
        if timestamp != self._timestamp:
            self._time(timestamp, arrival_ns)

    def _time(self, timestamp: int, arrival_ns: int) -> None:
        """Learn the jitter, of the first packet of each picture: the others were sent later, and say so nowhere."""
        transit = arrival_ns * self._rate_hz // NS_PER_SECOND - timestamp
        if self._timestamp is not None:
            deviation = abs(nearest(transit, self._transit, 32) - self._transit)
            self._jitter_16 += deviation - ((self._jitter_16 + 8) >> 4)
        self._timestamp, self._transit = timestamp, transit

    def hear(self, report: SenderReport, arrival_ns: int) -> None:
        """Take note of a report, by whose return its sender can tell how long the way is."""
        self._heard = report, arrival_ns

    def tell(self, now_ns: int) -> ReportBlock | None:
        """Tell what was received, and lost since it was last told; None: nothing came since then."""
        expected, received = self._highest - self._first + 1, self._received
        expected_before, received_before = self._told
        if received == received_before:
            return None
        self._told = expected, received
        return ReportBlock(
            fraction_lost=_fraction(expected - expected_before, received - received_before),
            cumulative_lost=expected - received,
            extended_highest_sequence=self._highest,
            jitter=self._jitter_16 >> 4,
            lsr=self._heard[0].ntp_middle if self._heard else 0,
            # our clock may have been set back since
            dlsr=(max(0, now_ns - self._heard[1]) << 16) // NS_PER_SECOND if self._heard else 0,
        )


def _fraction(expected: int, received: int) -> int:
    """Tell the part that was lost in 1/256; where more came than was expected, some twice, nothing was."""
    return 0 if received >= expected else (expected - received << 8) // expected
