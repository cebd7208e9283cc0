"""A participant's sender in virtual time, with clocks of its own: each frame says when it was really captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, EncodedFrame, Kind
from services.recorder.media.rtp import RtpPacket
from tests.support import vp8
from tests.support.datagrams import datagram, sender_report

#: What the sender's clock says in the beginning, some days from ours.
SENDER_NS = 1_900_000_000 * NS_PER_SECOND
PAYLOAD_TYPES: dict[Kind, int] = {"video": 96, "audio": 111}
RATES_HZ: dict[Kind, int] = {"video": 90_000, "audio": 48_000}
#: SILK, wideband, one frame (RFC 6716 section 3.1).
_OPUS_TOC = {20: b"\x48", 40: b"\x50", 60: b"\x58"}
_WHEN_BYTES = 8

#: Changes what a report says: the moment of the sender's clock, in ns.
Report = Callable[[int, Random], int]


def honest(ntp_ns: int, random: Random) -> int:
    """Report as senders do that take the time some ms before or after the timestamp."""
    return ntp_ns + random.randint(-5 * NS_PER_MS, 5 * NS_PER_MS)


@dataclass(frozen=True, slots=True)
class Sent:
    """A datagram, and when it is sent: ns since the beginning."""

    at_ns: int
    data: bytes
    is_report: bool

    @property
    def sequence(self) -> int | None:
        """Its sequence number; None: it is a report."""
        return None if self.is_report else int.from_bytes(self.data[2:4], "big")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a track is sent. Times are ms since the beginning."""

    kind: Kind
    frame_ms: int = 20
    #: How much faster than the true time this track's timestamps run, and the clock that its reports tell.
    ppm: float = 0.0
    sender_ppm: float = 0.0
    #: What it takes from the capture of a frame to its packet.
    encoding_ms: int = 0
    first_timestamp: int = 0
    first_sequence: int = 0
    #: How long apart reports are, give or take a half (RFC 3550 section 6.2); 0: there are none.
    report_ms: int = 5_000
    report: Report = honest
    #: When capture stalls, and for how long. The timestamps go on as if it had not.
    stalls: tuple[tuple[int, int], ...] = ()
    #: When the sender begins anew: another SSRC, other numbers.
    restarts: tuple[int, ...] = ()


def captured_ns(frame: EncodedFrame) -> int:
    """Tell when a frame was really captured, in ns since the beginning."""
    return int.from_bytes(frame.data[-_WHEN_BYTES:], "big")


class VirtualSender:
    """Sends one track."""

    def __init__(self, habits: Habits, random: Random) -> None:
        self._habits = habits
        self._random = random
        self._rate_hz = RATES_HZ[habits.kind]
        self._ssrc = vp8.SSRC
        self._sequence = habits.first_sequence
        self._timestamp = habits.first_timestamp
        self._restarts = [at_ms * NS_PER_MS for at_ms in habits.restarts]
        self._stalls = [(at_ms * NS_PER_MS, for_ms * NS_PER_MS) for at_ms, for_ms in habits.stalls]

    def packets(self, seconds: int) -> Iterator[Sent]:
        """Yield what is sent in so many seconds, in order."""
        now_ns, report_ns = 0.0, self._until_report_ns()
        interval_ns = self._habits.frame_ms * NS_PER_MS / (1 + self._habits.ppm / 1e6)
        while now_ns < seconds * NS_PER_SECOND:
            if self._restarts and now_ns >= self._restarts[0]:
                self._restart()
            yield from self._frame(round(now_ns))
            while report_ns <= now_ns:
                yield self._report(round(now_ns))
                report_ns += self._until_report_ns()
            self._timestamp += self._habits.frame_ms * self._rate_hz // 1000
            now_ns += interval_ns
            if self._stalls and now_ns >= self._stalls[0][0]:
                now_ns += self._stalls.pop(0)[1]

    def _frame(self, now_ns: int) -> Iterator[Sent]:
        payloads = self.payloads(now_ns)
        timestamp, payload_type = self._timestamp & 0xFFFF_FFFF, PAYLOAD_TYPES[self._habits.kind]
        for number, payload in enumerate(payloads, start=1):
            is_last = number == len(payloads)
            packet = RtpPacket(payload_type, self._sequence & 0xFFFF, timestamp, self._ssrc, is_last, payload)
            self._sequence += 1
            yield Sent(now_ns + self._habits.encoding_ms * NS_PER_MS, datagram(packet), is_report=False)

    def payloads(self, now_ns: int) -> list[bytes]:
        """Return what the packets of the frame hold that is captured now."""
        when = now_ns.to_bytes(_WHEN_BYTES, "big")
        if self._habits.kind == "audio":
            return [_OPUS_TOC[self._habits.frame_ms] + when]
        # one packet that begins a frame (RFC 7741 section 4.2); all are keyframes, so that each stands for itself
        return [b"\x10" + vp8.keyframe(size=10) + when]

    def _report(self, now_ns: int) -> Sent:
        """Report of the frame that was captured just now, when its packet is sent."""
        ntp_ns = SENDER_NS + round(now_ns * (1 + self._habits.sender_ppm / 1e6))
        told_ns = self._habits.report(ntp_ns, self._random)
        data = sender_report(told_ns, self._timestamp, self._ssrc)
        return Sent(now_ns + self._habits.encoding_ms * NS_PER_MS, data, is_report=True)

    def _until_report_ns(self) -> float:
        if not self._habits.report_ms:
            return float("inf")
        return self._habits.report_ms * NS_PER_MS * self._random.uniform(0.5, 1.5)

    def _restart(self) -> None:
        del self._restarts[0]
        self._ssrc, self._timestamp = self._random.getrandbits(32), self._random.getrandbits(32)
        self._sequence = self._random.getrandbits(16)
