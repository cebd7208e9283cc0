"""One track's way in: packets to placed frames. Pure: bytes and arrival times in, frames out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from services.recorder.media.clock import TrackClock
from services.recorder.media.depacketize import depacketizer_for
from services.recorder.media.frame import NS_PER_MS, Kind, TimedFrame
from services.recorder.media.jitter_buffer import BufferedPacket, JitterBuffer
from services.recorder.media.rtcp import SenderReport, parse_rtcp
from services.recorder.media.rtp import RtpError, parse_rtp

#: How long a missing packet is waited for.
MAX_WAIT_NS = 200 * NS_PER_MS
#: Packets that may wait behind a missing one: a second of 20 Mbit/s.
_CAPACITY = 2048

#: Ticks per second of each kind's RTP clock (RFC 7741 section 4.1, RFC 7587 section 4.1).
_CLOCK_RATES: dict[Kind, int] = {"video": 90_000, "audio": 48_000}


@dataclass(slots=True)
class ReceiverCounters:
    #: Neither RTP nor RTCP.
    malformed: int = 0
    #: RTP of a payload type that was not announced.
    foreign: int = 0


class TrackReceiver:
    """Jitter buffer, depacketizer and clock of one track. Raises UnsupportedCodecError."""

    def __init__(self, kind: Kind, codec: str, payload_type: int) -> None:
        self.kind = kind
        self.clock = TrackClock(_CLOCK_RATES[kind])
        self.counters = ReceiverCounters()
        #: Arrival of the newest packet that was announced; None before the first.
        self.heard_ns: int | None = None
        self._payload_type = payload_type
        self._buffer = JitterBuffer(MAX_WAIT_NS, _CAPACITY)
        self._depacketizer = depacketizer_for(codec)

    @property
    def ssrc(self) -> int | None:
        """The sender that packets come from; None before the first."""
        return self._buffer.ssrc

    @property
    def packets(self) -> dict[str, int]:
        """What became of the packets, by the names of the counters."""
        return asdict(self._buffer.counters) | asdict(self.counters)

    @property
    def frames(self) -> dict[str, int]:
        """What became of the frames, by the names of the counters."""
        return asdict(self._depacketizer.counters)

    @property
    def needs_keyframe(self) -> bool:
        return self._depacketizer.needs_keyframe

    def packet(self, data: bytes, arrival_ns: int) -> list[TimedFrame]:
        """Take a datagram; return the frames that are whole because of it."""
        try:
            packet = parse_rtp(data)
        except RtpError:
            self.counters.malformed += 1
            return []
        if packet.payload_type != self._payload_type:
            self.counters.foreign += 1
            return []
        self.heard_ns = arrival_ns
        self._buffer.push(packet, arrival_ns)
        return self._frames(self._buffer.pop(arrival_ns))

    def tick(self, now_ns: int) -> list[TimedFrame]:
        """Give up what has been waited for too long; return the frames that are whole without it."""
        return self._frames(self._buffer.pop(now_ns))

    def report(self, data: bytes, arrival_ns: int) -> bool:
        """Take an RTCP datagram, and tell whether it is one: sender reports teach the clock."""
        try:
            packets = parse_rtcp(data)
        except RtpError:
            self.counters.malformed += 1
            return False
        for packet in packets:
            if isinstance(packet, SenderReport):
                self._learn(packet, arrival_ns)
        return True

    def _learn(self, report: SenderReport, arrival_ns: int) -> None:
        timestamp = self._buffer.sender_timestamp(report.ssrc, report.rtp_timestamp)
        if timestamp is not None:
            self.clock.sender_report(report.ntp_ns, timestamp, arrival_ns)

    def _frames(self, packets: Iterable[BufferedPacket]) -> list[TimedFrame]:
        frames = []
        for packet in packets:
            if packet.restarted:
                self.clock.restart()
            frame = self._depacketizer.push(packet)
            if frame is not None:
                self.clock.observe(frame.timestamp, frame.first_arrival_ns)
                frames.append(TimedFrame(self.clock.wall_ns(frame.timestamp), frame))
        return frames
