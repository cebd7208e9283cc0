"""Senders and receivers of one participant's tracks with a path between them, in virtual time.

Two hours of it take seconds, and one seed is one course of events, to the packet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush, merge
from itertools import count, repeat
from random import Random

from services.recorder.media.clock import keep_in_step
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind, TimedFrame
from services.recorder.media.receiver import TrackReceiver
from shared.contracts.rtp_source import RtpTrack
from tests.support.virtual_path import VirtualPath, Weather
from tests.support.virtual_sender import PAYLOAD_TYPES, Habits, Sent, VirtualSender, captured_ns

#: Our clock at the beginning.
START_NS = 1_800_000_000 * NS_PER_SECOND
_ANNOUNCED: dict[Kind, RtpTrack] = {
    "video": RtpTrack(codec="vp8", payload_type=PAYLOAD_TYPES["video"]),
    "audio": RtpTrack(codec="opus", payload_type=PAYLOAD_TYPES["audio"]),
}
#: How often receivers are moved on by time.
_TICK_NS = 100 * NS_PER_MS
_SENT_LATELY = 100
_NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame that came out. Times are ns since the beginning."""

    kind: Kind
    #: Where the clock placed it.
    placed_ns: int
    captured_ns: int
    #: When it came out.
    out_ns: int

    @property
    def off_ns(self) -> int:
        """How much later than its capture it was placed: what the way takes and, beyond that, an error."""
        return self.placed_ns - self.captured_ns


@dataclass(frozen=True, slots=True)
class _Arrival:
    at_ns: int
    data: bytes
    is_report: bool
    receiver: TrackReceiver


class VirtualMeeting:
    """One participant, recorded from the beginning."""

    def __init__(
        self,
        *tracks: Habits,
        weather: Weather | None = None,
        seed: int = 0,
        answers_within_ms: int | None = None,
        sender: Callable[[Habits, Random], VirtualSender] = VirtualSender,
    ) -> None:
        """Let the sender answer requests for missing packets, which arrive so much later; None: it does not."""
        random = Random(seed)
        self._answers_within_ms = answers_within_ms
        #: Packets that were asked for once more.
        self.asked = 0
        #: When it arrives, a number so that of two the one that was sent first comes first, what, and to whom.
        self._on_its_way: list[tuple[int, int, Sent, TrackReceiver]] = []
        self._numbers = count()
        self._path = VirtualPath(weather or Weather(), random)
        self._senders = [sender(habits, random) for habits in tracks]
        self.receivers = [TrackReceiver(habits.kind, _ANNOUNCED[habits.kind]) for habits in tracks]
        #: What a sender can send once more.
        self._lately = {receiver: deque[Sent](maxlen=_SENT_LATELY) for receiver in self.receivers}

    def run(self, seconds: int) -> Iterator[Heard]:
        """Yield every frame of so many seconds as it comes out."""
        for timed, out_ns in self.frames(seconds):
            yield Heard(timed.frame.kind, timed.time_ns - START_NS, captured_ns(timed.frame), out_ns)

    def frames(self, seconds: int) -> Iterator[tuple[TimedFrame, int]]:
        """Yield the same frames themselves, each with when it comes out."""
        ticked_ns = 0
        for arrival in self._arrivals(seconds):
            while ticked_ns + _TICK_NS <= arrival.at_ns:
                ticked_ns += _TICK_NS
                yield from self._tick(ticked_ns)
            yield from self._take(arrival)
        for receiver in self.receivers:
            yield from zip(receiver.finish(), repeat(ticked_ns))

    def _take(self, arrival: _Arrival) -> Iterator[tuple[TimedFrame, int]]:
        now_ns = START_NS + arrival.at_ns
        if arrival.is_report:
            arrival.receiver.report(arrival.data, now_ns)
            keep_in_step(now_ns, *(receiver.clock for receiver in self.receivers))
        else:
            yield from zip(arrival.receiver.take([(arrival.data, now_ns)]), repeat(arrival.at_ns))
            self._answer(arrival.receiver, arrival.at_ns)

    def _answer(self, receiver: TrackReceiver, at_ns: int) -> None:
        asked = {sequence & 0xFFFF for sequence in receiver.missing(START_NS + at_ns)}
        self.asked += len(asked)
        if self._answers_within_ms is None or not asked:
            return
        for sent in self._lately[receiver]:
            if sent.sequence in asked and not self._path.loses():
                arrival_ns = at_ns + self._answers_within_ms * NS_PER_MS
                heappush(self._on_its_way, (arrival_ns, next(self._numbers), sent, receiver))

    def _tick(self, at_ns: int) -> Iterator[tuple[TimedFrame, int]]:
        for receiver in self.receivers:
            yield from zip(receiver.tick(START_NS + at_ns), repeat(at_ns))

    def _arrivals(self, seconds: int) -> Iterator[_Arrival]:
        """Let the path have all packets in the order of their sending; yield them in that of their arrival."""
        for sent, receiver in self._sent(seconds):
            yield from self._arrived_until(sent.at_ns)
            self._lately[receiver].append(sent)
            for arrival_ns in self._path.arrivals_ns(sent.at_ns):
                heappush(self._on_its_way, (arrival_ns, next(self._numbers), sent, receiver))
        yield from self._arrived_until(_NEVER_NS)

    def _arrived_until(self, at_ns: int) -> Iterator[_Arrival]:
        while self._on_its_way and self._on_its_way[0][0] <= at_ns:
            arrival_ns, _, sent, receiver = heappop(self._on_its_way)
            yield _Arrival(arrival_ns, sent.data, sent.is_report, receiver)

    def _sent(self, seconds: int) -> Iterator[tuple[Sent, TrackReceiver]]:
        tracks = zip(self._senders, self.receivers, strict=True)
        each = [zip(sender.packets(seconds), repeat(receiver)) for sender, receiver in tracks]
        return merge(*each, key=lambda sent: sent[0].at_ns)
