"""One track's way in: packets to placed frames. Pure: bytes and arrival times in, frames out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice

from services.recorder.media.clock import TrackClock
from services.recorder.media.depacketize import depacketizer_for
from services.recorder.media.frame import NS_PER_MS, EncodedFrame, Kind, TimedFrame
from services.recorder.media.jitter_buffer import BufferedPacket, JitterBuffer
from services.recorder.media.patience import Patience
from services.recorder.media.payloads.depacketizer import Depacketizer
from services.recorder.media.payloads.red import RedDepacketizer
from services.recorder.media.reception import Reception
from services.recorder.media.retransmission import CREDIT, Retransmission
from services.recorder.media.rtcp import ReportBlock, SenderReport, parse_rtcp
from services.recorder.media.rtp import RtpError, RtpPacket, parse_rtp
from shared.contracts.rtp_source import RtpTrack

#: How long a missing packet is waited for, at least and at most: from what an answer takes from not too far away.
MIN_WAIT_NS = 100 * NS_PER_MS
MAX_WAIT_NS = 180 * NS_PER_MS
#: Packets that may wait behind a missing one: a second of 20 Mbit/s.
_CAPACITY = 2048
#: Frames that may wait for the clock to settle, which takes less than that of any sender that means no harm.
MAX_UNPLACED = 1000
#: Later than anything that is waited for.
_AT_THE_END_NS = 1 << 63

#: Ticks per second of each kind's RTP clock (RFC 7741 section 4.1, RFC 7587 section 4.1).
_CLOCK_RATES: dict[Kind, int] = {"video": 90_000, "audio": 48_000}


@dataclass(slots=True)
class ReceiverCounters:
    #: Neither RTP nor RTCP.
    malformed: int = 0
    #: Sent again (RTX, RFC 4588), which nobody asked for.
    retransmissions: int = 0
    #: RTP of a payload type that was not announced.
    foreign: int = 0


class TrackReceiver:
    """Jitter buffer, depacketizer and clock of one track. Raises UnsupportedCodecError."""

    def __init__(self, kind: Kind, announced: RtpTrack) -> None:
        self.kind = kind
        self.clock = TrackClock(_CLOCK_RATES[kind])
        self._reception = Reception(_CLOCK_RATES[kind])
        self._retransmission = Retransmission()
        self.counters = ReceiverCounters()
        #: Arrivals of the first and of the newest packet of the track among those taken last; empty: there was none.
        self.heard_ns: tuple[int, ...] = ()
        self._announced = announced
        self._payload_types = announced.payload_types
        self._buffer = JitterBuffer(Patience(MIN_WAIT_NS, MAX_WAIT_NS), _CAPACITY)
        self._depacketizer = _depacketizer(kind, announced)
        #: Frames that wait for the clock to settle.
        self._unplaced: list[EncodedFrame] = []

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
    def is_waiting(self) -> bool:
        """Whether a packet is missing that may still come."""
        return self._buffer.is_waiting

    @property
    def needs_keyframe(self) -> bool:
        return self._depacketizer.needs_keyframe

    def take(self, datagrams: Iterable[tuple[bytes, int]]) -> list[TimedFrame]:
        """Take datagrams, each with its arrival (ns), as they came; return the frames that are whole and have times.

        What is read at once is taken at once: all that can be done once for several packets is.
        """
        frames: list[TimedFrame] = []
        arrivals: list[int] = []
        buffer = self._buffer
        for data, arrival_ns in datagrams:
            packet = self._media(data)
            if packet is None:
                continue
            arrivals.append(arrival_ns)
            sequence = buffer.push(packet, arrival_ns)
            if buffer.has_restarted:  # before the first packet of the next sender counts
                frames += self._frames(buffer.pop(arrival_ns), arrival_ns)
            if sequence is not None:
                self._reception.receive(sequence, packet.timestamp, arrival_ns)
                self._retransmission.came(sequence)
        self.heard_ns = (arrivals[0], arrivals[-1]) if arrivals else ()
        return frames + self.tick(arrivals[-1]) if arrivals else frames

    def tick(self, now_ns: int) -> list[TimedFrame]:
        """Give up what has been waited for too long; return the frames that are whole without it, or have times now."""
        return self._frames(self._buffer.pop(now_ns), now_ns)

    def finish(self) -> list[TimedFrame]:
        """Wait for nothing any more; return the frames that are left."""
        return self.tick(_AT_THE_END_NS)

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

    def reception(self, now_ns: int) -> ReportBlock | None:
        """Tell what came of the sender's packets, for a receiver report; None: nothing came since it was last told."""
        return self._reception.tell(now_ns)

    def missing(self, now_ns: int) -> list[int]:
        """Tell which packets to ask the sender for once more: sorted sequence numbers, unwrapped."""
        return self._retransmission.due(islice(self._buffer.missing(), CREDIT), now_ns)

    def _media(self, data: bytes) -> RtpPacket | None:
        """Read a packet of the track; None, and counted, if it is something else."""
        try:
            packet = parse_rtp(data)
        except RtpError:
            self.counters.malformed += 1
            return None
        if packet.payload_type not in self._payload_types:
            self._count_other(packet.payload_type)
            return None
        return packet

    def _count_other(self, payload_type: int) -> None:
        is_again = payload_type == self._announced.rtx_payload_type
        self.counters.retransmissions += is_again
        self.counters.foreign += not is_again

    def _learn(self, report: SenderReport, arrival_ns: int) -> None:
        timestamp = self._buffer.sender_timestamp(report.ssrc, report.rtp_timestamp)
        if timestamp is not None:
            self.clock.sender_report(report.ntp_ns, timestamp, arrival_ns)
            self._reception.hear(report, arrival_ns)

    def _frames(self, packets: Iterable[BufferedPacket], now_ns: int) -> list[TimedFrame]:
        placed: list[TimedFrame] = []
        for packet in packets:
            if packet.restarted:
                placed += self._restart()
            for frame in self._depacketizer.push(packet):
                self.clock.observe(frame.timestamp, frame.first_arrival_ns)
                if self.clock.is_settled and not self._unplaced:
                    placed.append(self._placed(frame))
                else:
                    self._unplaced.append(frame)
                    placed += self._place()
        self.clock.advance(now_ns)
        return placed + self._place() if self._unplaced else placed

    def _restart(self) -> list[TimedFrame]:
        """Begin anew with what was made of the last sender; return its frames that were waiting for the clock."""
        self.clock.settle()
        placed = self._place()
        self.clock.restart()
        self._reception = Reception(_CLOCK_RATES[self.kind])
        self._retransmission = Retransmission()
        return placed

    def _place(self) -> list[TimedFrame]:
        """Give the frames their times if the clock has settled."""
        if len(self._unplaced) > MAX_UNPLACED:
            self.clock.settle()
        if not self.clock.is_settled:
            return []
        frames, self._unplaced = self._unplaced, []
        return [self._placed(frame) for frame in frames]

    def _placed(self, frame: EncodedFrame) -> TimedFrame:
        return TimedFrame(self.clock.wall_ns(frame.timestamp, frame.first_arrival_ns), frame)


def _depacketizer(kind: Kind, announced: RtpTrack) -> Depacketizer:
    depacketizer = depacketizer_for(kind, announced.codec)
    if announced.red_payload_type is None:
        return depacketizer
    return RedDepacketizer(depacketizer, announced.payload_type, announced.red_payload_type)
