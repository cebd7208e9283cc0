"""The clock of a track: RTP timestamps become wall-clock times, and a participant's tracks are kept in step.

Pure: arrival times are arguments; they must come from a clock that does not step back.

*One track.* Wall time is a straight line over the timestamps,

    wall(t) = anchor + (t - t0) / rate + correction

where the first observation gives `t0` and `anchor`, its arrival. What arrives later than the line says was
delayed on its way, which moves nothing; what arrives earlier proves that the anchor was itself delayed, and
draws it down. Such moves are slewed: the line moves by at most 5 ms per second of media. Only an arrival over
2 s off the line, early or late, begins a new line: then the sender's timestamps jumped.

*Several tracks.* A sender report says that timestamp `s` was captured at `n` by the sender's clock, which all
tracks of that sender share. So for each track

    offset = anchor + (s - t0) / rate - n

is the distance of the two clocks plus that track's delay. Its difference between two tracks is the error
between sound and picture. As delay can only add, the least offset is the nearest to the truth, and each
track's `correction` goes to `least offset - its own`, never above 0: the later one is drawn to the earlier.
Without sender reports the corrections stay as they are, at first 0, and arrival alone places the track.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_SECOND

#: An arrival this far off the line is a jump of the timestamps.
DISCONTINUITY_NS = 2 * NS_PER_SECOND
#: Tracks that are further apart cannot have been reported by one clock.
MAX_SKEW_NS = 10 * NS_PER_SECOND
#: 5 ms per second
_SLEW_DIVISOR = 200


class ClockNotStartedError(Exception):
    """A time was asked of a clock that has not observed anything yet, or not since its restart."""

    def __init__(self, timestamp: int) -> None:
        super().__init__(timestamp)
        self.timestamp = timestamp

    def __str__(self) -> str:
        return f"timestamp {self.timestamp} has no time: observe a frame first"


class TrackClock:
    """Places the unwrapped RTP timestamps of one track on the wall clock; `rate_hz` is 90000 or 48000."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._anchor: tuple[int, int] | None = None  # timestamp, wall-clock ns
        self._report: tuple[int, int] | None = None  # timestamp, ns on the sender's clock
        self._observed = 0
        self._correction_ns = 0
        self._target_ns = 0
        self._floor_ns: int | None = None

    def observe(self, timestamp: int, arrival_ns: int) -> None:
        """Learn from a frame: its timestamp and the arrival of its *first* packet, as size is no delay."""
        if self._anchor is None:
            self._start(timestamp, arrival_ns)
            return
        late_ns = arrival_ns - self._line_ns(self._anchor, timestamp)
        if abs(late_ns) > DISCONTINUITY_NS:
            self._start(timestamp, arrival_ns)
        elif timestamp > self._observed:
            self._slew(self._anchor, timestamp, late_ns)

    def sender_report(self, ntp_ns: int, timestamp: int, arrival_ns: int) -> None:
        """Learn which timestamp (unwrapped) the sender took at which moment of its clock.

        A report is ignored before the first observation, and if it is over 2 s off the line: it was then made
        for other timestamps than ours. Call `keep_in_step` afterwards.
        """
        if self._anchor is None:
            return
        if abs(arrival_ns - self._line_ns(self._anchor, timestamp)) <= DISCONTINUITY_NS:
            self._report = timestamp, ntp_ns

    def restart(self) -> None:
        """Forget the sender's timestamps: the next observation is a first one. Times still never go back."""
        self._anchor = None

    def wall_ns(self, timestamp: int) -> int:
        """Tell the moment at which the timestamp was captured; never before one that was told earlier.

        Ask in the order of the frames, each after it was observed; else raises `ClockNotStartedError`.
        """
        if self._anchor is None:
            raise ClockNotStartedError(timestamp)
        wall_ns = self._line_ns(self._anchor, timestamp) + self._correction_ns
        if self._floor_ns is None or wall_ns > self._floor_ns:
            self._floor_ns = wall_ns
        return self._floor_ns

    @property
    def offset_ns(self) -> int | None:
        """How far the sender's clock plus this track's delay is from ours; None without a sender report."""
        if self._anchor is None or self._report is None:
            return None
        timestamp, ntp_ns = self._report
        return self._line_ns(self._anchor, timestamp) - ntp_ns

    def correct_towards(self, correction_ns: int) -> None:
        """Set where the correction goes: slowly, or at once if no time has been told yet."""
        self._target_ns = correction_ns
        if self._floor_ns is None:
            self._correction_ns = correction_ns

    def _start(self, timestamp: int, arrival_ns: int) -> None:
        # the correction stays: the other track's lead is a matter of the ways they take, not of timestamps
        self._anchor = timestamp, arrival_ns
        self._report = None
        self._observed = timestamp

    def _line_ns(self, anchor: tuple[int, int], timestamp: int) -> int:
        return anchor[1] + (timestamp - anchor[0]) * NS_PER_SECOND // self._rate_hz

    def _slew(self, anchor: tuple[int, int], timestamp: int, late_ns: int) -> None:
        """Move anchor and correction, together by no more than the media since the last one allows."""
        # after a long mute the allowance would be a jump: no more than a second's worth at once
        ticks = min(timestamp - self._observed, self._rate_hz)
        self._observed = timestamp
        budget_ns = ticks * NS_PER_SECOND // self._rate_hz // _SLEW_DIVISOR
        if late_ns < 0:
            step_ns = min(-late_ns, budget_ns)
            self._anchor = anchor[0], anchor[1] - step_ns
            budget_ns -= step_ns
        due_ns = self._target_ns - self._correction_ns
        self._correction_ns += max(-budget_ns, min(budget_ns, due_ns))


def keep_in_step(*clocks: TrackClock) -> None:
    """Align the tracks of one participant; call it after each sender report to one of them.

    Tracks without a report stay as they are. So do all if their offsets are over 10 s apart: their reports
    are then of different clocks, as when a participant changes devices and one track has not restarted yet.
    """
    offsets = [(clock, clock.offset_ns) for clock in clocks]
    known = [(clock, offset) for clock, offset in offsets if offset is not None]
    if len(known) < 2:
        return
    least = min(offset for _, offset in known)
    if max(offset for _, offset in known) - least > MAX_SKEW_NS:
        return
    for clock, offset in known:
        clock.correct_towards(least - offset)
