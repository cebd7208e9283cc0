"""The clock of a track: RTP timestamps become wall-clock times, and a participant's tracks are kept in step.

Pure: arrival times are arguments; they must come from a clock that does not step back.

*One track by arrival.* Wall time is a straight line over the timestamps,

    wall(t) = t / rate + place

and so is the arrival of what did not wait on its way, `t / rate + line`, where `line` goes to the least transit of
late (`transit.py`). That follows a drift of the sender's clock in both directions, and what is merely delayed moves
nothing. Where nothing else is known, `place` goes along with `line`. All moves are slewed: by at most 5 ms per second
of media.

*A line begins* with the first frame, after a restart, and where all frames are off the line: the timestamps jumped,
capture stalled while they ran on, or the way takes longer now. To see that takes three of them and 250 ms, for which
they wait for their times. One frame that is on the line ends it: the others were delayed. So neither a backlog that
comes at once, nor one that comes after the network was away, shifts what comes after it.

*Several tracks.* By sender reports (`sender_time.py`) timestamp 0 of a track was at `origin` of the sender's clock,
which its tracks share. For each track

    offset = least transit - origin

is the distance of the two clocks plus what its way takes. With one offset for all of them, `origin + offset` places
frames that were captured at one moment at one moment, whichever way they take: `place` goes there. As delay can only
add, that is the least offset, the nearest to the truth; but a track that takes over 200 ms longer is not placed further
before its arrival, the others are placed later instead. While there are no reports, tracks keep the distance they have.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.sender_time import REPORT_LIFE_NS, SenderTime
from services.recorder.media.transit import LeastTransit

#: How long frames have to be off the line to begin another one: longer than a missing packet is waited for, so that the
#: rest of a backlog with holes is not still behind them.
SETTLING_NS = 250 * NS_PER_MS
#: How many have to be: one or two may be delayed, with what came in between lost.
SETTLING_FRAMES = 3
#: What arrives later than that after the line is off it. What jitters more than that is lost anyway: see `SETTLE_NS`.
LATE_NS = 300 * NS_PER_MS
#: What arrives earlier than that before the line is off it.
EARLY_NS = 100 * NS_PER_MS
#: A report this far off the line is of other timestamps than ours.
FOREIGN_REPORT_NS = 2 * NS_PER_SECOND
#: Tracks that are further apart cannot have been reported by one clock.
MAX_SKEW_NS = 2 * NS_PER_SECOND
#: How far before its arrival a track is placed at most, to be in step with another one.
MAX_LEAD_NS = 200 * NS_PER_MS
#: 5 ms per second
_SLEW_DIVISOR = 200


class ClockNotStartedError(Exception):
    """A time was asked of a clock that has no line yet, or not since its restart."""

    def __init__(self, timestamp: int) -> None:
        super().__init__(timestamp)
        self.timestamp = timestamp

    def __str__(self) -> str:
        return f"timestamp {self.timestamp} has no time: observe a frame first, and wait until the clock has settled"


class TrackClock:
    """Places the unwrapped RTP timestamps of one track on the wall clock; `rate_hz` is 90000 or 48000."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        #: Of the frames that are on the line; None: there is no line yet.
        self._transit: LeastTransit | None = None
        #: Of the frames that are off it, since the last one that was not; and how many they are.
        self._sought: LeastTransit | None = None
        self._sought_frames = 0
        #: Whether times can be asked: not while it may be that a line begins.
        self.is_settled = True
        self._line_ns = self._place_ns = 0
        #: Of the newest frame on the line; None: there was none yet since it began.
        self._timestamp: int | None = None
        self._arrival_ns = 0
        self._sender = SenderTime()
        self._common_offset_ns: int | None = None
        self._told_ns: int | None = None

    def observe(self, timestamp: int, arrival_ns: int) -> None:
        """Learn from a frame: its timestamp and the arrival of its *first* packet, as size is no delay."""
        transit_ns = arrival_ns - self._media_ns(timestamp)
        if self._transit is None or not -EARLY_NS <= transit_ns - self._line_ns <= LATE_NS:
            self._seek(transit_ns, arrival_ns)
            return
        self._sought, self.is_settled = None, True
        self._transit.observe(transit_ns, arrival_ns)
        self._arrival_ns = arrival_ns
        if ticks := self._ticks_to(timestamp):
            self._slew(ticks, self._transit.least_ns)

    def advance(self, now_ns: int) -> None:
        """Settle if it has taken long enough. Let all be observed before that has arrived."""
        if self._sought and now_ns - self._sought.since_ns >= SETTLING_NS:
            self.settle()

    def settle(self) -> None:
        """Decide by what is known whether the frames that are off the line begin another one."""
        self.is_settled = True
        if self._sought and (self._transit is None or self._sought_frames >= SETTLING_FRAMES):
            self._transit, self._sought, self._timestamp = self._sought, None, None
            self._sender = SenderTime()
            self._move(self._transit.least_ns - self._line_ns)

    def restart(self) -> None:
        """Forget the sender's timestamps: the next observation is a first one. Times still never go back."""
        self._transit = self._sought = None

    def sender_report(self, ntp_ns: int, timestamp: int, arrival_ns: int) -> None:
        """Learn which timestamp (unwrapped) the sender took at which moment of its clock.

        A report is ignored while there is no line, and if it is over 2 s off the line: it was then made for other
        timestamps than ours. Call `keep_in_step` afterwards.
        """
        media_ns = self._media_ns(timestamp)
        if self._transit is None or abs(arrival_ns - media_ns - self._line_ns) > FOREIGN_REPORT_NS:
            return
        self._move(self._sender.learn(ntp_ns - media_ns, self._transit.least_ns, arrival_ns))

    def wall_ns(self, timestamp: int, arrival_ns: int) -> int:
        """Tell the moment at which a frame was captured; never before one that was told earlier.

        Ask in the order of the frames, each after it was observed; else raises `ClockNotStartedError`.
        """
        if self._transit is None:
            raise ClockNotStartedError(timestamp)
        # a single frame of a wrong timestamp must not keep all others waiting for its time
        latest_ns = arrival_ns - self._line_ns + EARLY_NS
        wall_ns = self._place_ns + min(self._media_ns(timestamp), latest_ns)
        if self._told_ns is None or wall_ns > self._told_ns:
            self._told_ns = wall_ns
        return self._told_ns

    def offset_ns(self, now_ns: int) -> int | None:
        """Tell how far the sender's clock plus this track's way is from ours; None: frames or reports are missing."""
        origin_ns = self._sender.origin_ns(now_ns)
        if self._transit is None or origin_ns is None or now_ns - self._arrival_ns > REPORT_LIFE_NS:
            return None
        return self._transit.least_ns - origin_ns

    def align(self, common_offset_ns: int | None) -> None:
        """Place frames by the sender's clock, as far from ours as that; None: by their arrival."""
        self._common_offset_ns = common_offset_ns

    def _media_ns(self, timestamp: int) -> int:
        return timestamp * NS_PER_SECOND // self._rate_hz

    def _seek(self, transit_ns: int, arrival_ns: int) -> None:
        if self._sought is None:
            self._sought, self._sought_frames = LeastTransit(transit_ns, arrival_ns), 0
            self.is_settled = False
        self._sought.observe(transit_ns, arrival_ns)
        self._sought_frames += 1

    def _move(self, by_ns: int) -> None:
        # the distance of place and line stays: how the ways of the tracks differ is no matter of timestamps
        self._line_ns += by_ns
        self._place_ns += by_ns

    def _ticks_to(self, timestamp: int) -> int:
        """Count on to a frame's timestamp; 0 for the first one of a line, and for one out of order."""
        before = timestamp if self._timestamp is None else self._timestamp
        self._timestamp = max(timestamp, before)
        return self._timestamp - before

    def _slew(self, ticks: int, least_ns: int) -> None:
        """Let line and place go where they should be, by no more than so much media allows."""
        # after a long mute the allowance would be a jump: no more than a second's worth at once
        budget_ns = self._media_ns(min(ticks, self._rate_hz)) // _SLEW_DIVISOR
        step_ns = _within(budget_ns, least_ns - self._line_ns)
        self._line_ns += step_ns
        reported_ns = self._reported_place_ns()
        self._place_ns += step_ns if reported_ns is None else _within(budget_ns, reported_ns - self._place_ns)

    def _reported_place_ns(self) -> int | None:
        origin_ns = self._sender.origin_ns(self._arrival_ns)
        if origin_ns is None or self._common_offset_ns is None:
            return None
        return origin_ns + self._common_offset_ns


def _within(bound_ns: int, step_ns: int) -> int:
    return max(-bound_ns, min(bound_ns, step_ns))


def keep_in_step(now_ns: int, *clocks: TrackClock) -> None:
    """Align the tracks of one participant; call it after each sender report to one of them.

    They go by arrival if less than two of them have offsets, and if these are over 2 s apart: their reports are then
    of different clocks, as when a participant changes devices and one track has not restarted yet.
    """
    offsets = [offset for clock in clocks if (offset := clock.offset_ns(now_ns)) is not None]
    common_ns = None
    if len(offsets) > 1 and max(offsets) - min(offsets) <= MAX_SKEW_NS:
        common_ns = max(min(offsets), max(offsets) - MAX_LEAD_NS)
    for clock in clocks:
        clock.align(common_ns)
