"""Opus from RTP payloads (RFC 7587), and how long it sounds (RFC 6716). Pure.

Mono and stereo, any length up to 120 ms, with in-band correction of errors or without: a packet goes into the file as
it came. Where the sender is silent (DTX) it sends packets of a byte or none; none is a gap.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_MS, EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters


class OpusDepacketizer:
    """Opus packets, one in each RTP packet (RFC 7587 section 4.2); each stands for itself."""

    def __init__(self) -> None:
        self.counters = FrameCounters()

    @property
    def needs_keyframe(self) -> bool:
        """Never: every Opus packet can begin."""
        return False

    def push(self, packet: BufferedPacket) -> list[EncodedFrame]:
        payload = packet.packet.payload
        if not payload:
            return []
        duration_ns = lasts_ns(payload)
        if not duration_ns:
            self.counters.dropped += 1
            return []
        self.counters.frames += 1
        return [_frame(packet, duration_ns)]


def _frame(packet: BufferedPacket, duration_ns: int) -> EncodedFrame:
    arrival_ns = packet.arrival_ns
    return EncodedFrame("audio", packet.timestamp, arrival_ns, arrival_ns, True, packet.packet.payload, duration_ns)


def _frame_lengths_ns() -> tuple[int, ...]:
    """List the length of one frame for each of the 32 configurations (RFC 6716 table 2)."""
    silk = (10_000, 20_000, 40_000, 60_000) * 3
    hybrid = (10_000, 20_000) * 2
    celt = (2_500, 5_000, 10_000, 20_000) * 4
    return tuple(micros * 1_000 for micros in silk + hybrid + celt)


_FRAME_NS = _frame_lengths_ns()
_MAX_PACKET_NS = 120 * NS_PER_MS
_MAX_FRAME_BYTES = 1275


def lasts_ns(packet: bytes) -> int:
    """Tell how long a packet sounds (RFC 6716 section 3.1); 0 if it breaks a rule of section 3.4."""
    code = packet[0] & 0x03
    if code == 3:
        frames, are_listed, body = _counted_frames(packet)
    else:
        frames, are_listed, body = 1 if code == 0 else 2, code == 2, packet[1:]
    duration_ns = frames * _FRAME_NS[packet[0] >> 3]
    if not 0 < duration_ns <= _MAX_PACKET_NS:
        return 0
    fits = _fit_listed(body, frames) if are_listed else _fit_equally(body, frames)
    return duration_ns if fits else 0


def _counted_frames(packet: bytes) -> tuple[int, bool, bytes]:
    """Read a code 3 packet (section 3.2.5): number of frames, whether their lengths are listed, and they."""
    if len(packet) < 2:
        return 0, False, b""
    count = packet[1]
    at, end = 2, len(packet)
    if count & 0x40:  # padding: its length is the sum of bytes, of which 255 counts 254 and goes on
        while at < end and packet[at] == 255:
            at, end = at + 1, end - 254
        end -= packet[at] if at < len(packet) else 0
        at += 1
    if at > end:
        return 0, False, b""
    return count & 0x3F, bool(count & 0x80), packet[at:end]


def _fit_equally(body: bytes, frames: int) -> bool:
    return len(body) % frames == 0 and len(body) // frames <= _MAX_FRAME_BYTES


def _fit_listed(body: bytes, frames: int) -> bool:
    """Whether the lengths it begins with (section 3.2.1), of each frame but the last, leave room for that."""
    lengths = body + bytes(2 * frames)  # past the end, where the sum fails
    at = listed = 0
    for _ in range(frames - 1):
        size = lengths[at]
        at += 1
        if size >= 252:
            size += 4 * lengths[at]
            at += 1
        listed += size
    return 0 <= len(body) - at - listed <= _MAX_FRAME_BYTES
