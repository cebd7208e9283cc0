"""What sender reports say of one track, and which of them are believed.

Pure: times are arguments. A report says that a timestamp was captured at a moment of the sender's clock, so it says at
which moment of that clock timestamp 0 would have been: the origin. That one drifts, and otherwise stays; the median of
what was reported lately is believed, so wrong reports are outvoted. Two in a row that agree with each other and not
with those before were made after capture stalled while the timestamps ran on without a gap, if arrival says so too:
frames come as much later. Else the sender may have set its clock, and will be believed when most reports say so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND

#: What drift and a sender's own inexactness never do to an origin from one report to the next.
STEP_NS = 100 * NS_PER_MS
#: What was reported longer ago says no more where timestamps are now: at 200 ppm they may have drifted by 6 ms.
REPORT_LIFE_NS = 30 * NS_PER_SECOND
#: More than a sender has to say in that time.
_MAX_REPORTS = 60


@dataclass(frozen=True, slots=True)
class _Report:
    #: The sender's clock at timestamp 0.
    origin_ns: int
    #: The least transit when it came.
    transit_ns: int
    arrival_ns: int

    def agrees(self, other: _Report) -> bool:
        return abs(self.origin_ns - other.origin_ns) < STEP_NS


class SenderTime:
    """Where one track's timestamps are on the clock of its sender."""

    def __init__(self) -> None:
        #: The latest, in the order of their arrival.
        self._reports: deque[_Report] = deque(maxlen=_MAX_REPORTS)
        #: The one in their middle.
        self._believed: _Report | None = None

    def origin_ns(self, now_ns: int) -> int | None:
        """Tell the moment of the sender's clock at timestamp 0; None: nothing was reported lately."""
        if self._believed is None or now_ns - self._reports[-1].arrival_ns > REPORT_LIFE_NS:
            return None
        return self._believed.origin_ns

    def learn(self, origin_ns: int, transit_ns: int, arrival_ns: int) -> int:
        """Take what a report says, with the least transit as of its arrival.

        Return by how much more what comes now was captured after what came before than its timestamps say (ns): at
        least `STEP_NS` where capture stalled, at most `-STEP_NS` where timestamps were left out, else 0.
        """
        report = _Report(origin_ns, transit_ns, arrival_ns)
        while self._reports and arrival_ns - self._reports[0].arrival_ns > REPORT_LIFE_NS:
            self._reports.popleft()
        step_ns = self._step_ns(report)
        while step_ns and len(self._reports) > 1:
            self._reports.popleft()
        self._reports.append(report)
        by_origin = sorted(self._reports, key=lambda each: each.origin_ns)
        self._believed = by_origin[(len(by_origin) - 1) // 2]
        return step_ns

    def _step_ns(self, report: _Report) -> int:
        before, believed = self._reports[-1] if self._reports else None, self._believed
        if before is None or believed is None or not report.agrees(before):
            return 0
        if report.agrees(believed) or before.agrees(believed):
            return 0
        step_ns, later_ns = report.origin_ns - believed.origin_ns, report.transit_ns - believed.transit_ns
        return step_ns if abs(later_ns - step_ns) < abs(later_ns) else 0
