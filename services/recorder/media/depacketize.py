"""Depacketizers: payloads in sequence order become whole frames; what is not whole is dropped and counted.

Pure. VP8 by RFC 7741 and RFC 6386, Opus by RFC 7587 and RFC 6716.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.recorder.media.frame import NS_PER_MS, EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket

#: Larger than any frame of a meeting; a sender that never ends its frame must not fill our memory.
MAX_FRAME_BYTES = 4 << 20
#: Whoever decodes a picture gives it 3 bytes of memory for each pixel that it claims, in however few bytes it came.
MAX_PIXELS = 4096 * 4096


class UnsupportedCodecError(Exception):
    """No depacketizer knows this codec."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.codec = codec

    def __str__(self) -> str:
        return f"codec {self.codec!r} is not supported; supported are {', '.join(_DEPACKETIZERS)}"


@dataclass(slots=True)
class FrameCounters:
    """What became of the frames of which at least one packet came."""

    frames: int = 0
    dropped: int = 0
    #: Of those dropped, keyframes that claim more than `MAX_PIXELS`.
    oversized: int = 0


class Depacketizer(Protocol):
    """Makes the frames of one track of its packets."""

    @property
    def counters(self) -> FrameCounters: ...

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be written until the sender sends a keyframe."""

    def push(self, packet: BufferedPacket) -> EncodedFrame | None:
        """Take a packet and return the frame that it completes."""


def depacketizer_for(codec: str) -> Depacketizer:
    """Make a depacketizer for a codec by its SDP name in any case; raise `UnsupportedCodecError`."""
    for name, depacketizer in _DEPACKETIZERS.items():
        if name.lower() == codec.lower():
            return depacketizer()
    raise UnsupportedCodecError(codec)


class Vp8Depacketizer:
    """Whole VP8 frames, each with all the frames before it back to a keyframe.

    After any loss nothing passes until a keyframe is whole: that no other frame refers to the lost one cannot
    be known.
    """

    def __init__(self) -> None:
        self.counters = FrameCounters()
        self._needs_keyframe = True
        self._timestamp: int | None = None  # of the frame at hand, whether it is open or dropped already
        self._open = False
        self._fragments: list[bytes] = []
        self._size = 0
        self._keyframe = False
        self._first_arrival_ns = self._last_arrival_ns = 0

    @property
    def needs_keyframe(self) -> bool:
        """True from the start, a restart or a loss until a whole keyframe has come."""
        return self._needs_keyframe

    def push(self, packet: BufferedPacket) -> EncodedFrame | None:
        payload = packet.packet.payload
        if packet.lost_before or packet.restarted:
            self._drop()
        if not payload:  # a bandwidth probe, of no frame
            return None
        start = _descriptor_length(payload)
        is_malformed = start >= len(payload)
        if not is_malformed and payload[0] & 0x17 == 0x10:  # S=1, PID=0: a frame begins
            self._begin(packet, is_keyframe=not payload[start] & 0x01)
        elif is_malformed or packet.timestamp != self._timestamp:
            self._drop_frame_of(packet)
        return self._append(packet, payload[start:]) if self._open else None

    def _begin(self, packet: BufferedPacket, *, is_keyframe: bool) -> None:
        if self._open:  # without its marker
            self._drop()
        self._timestamp = packet.timestamp
        self._keyframe = is_keyframe
        self._fragments = []
        self._size = 0
        self._first_arrival_ns = self._last_arrival_ns = packet.arrival_ns
        self._open = is_keyframe or not self._needs_keyframe
        self.counters.dropped += not self._open

    def _drop_frame_of(self, packet: BufferedPacket) -> None:
        """Drop the frame of a packet that is malformed or lacks its first one, and any before it."""
        self._drop()
        if packet.timestamp != self._timestamp:
            self._timestamp = packet.timestamp
            self.counters.dropped += 1

    def _drop(self) -> None:
        """Drop the open frame, if there is one, and every one until a keyframe."""
        self._needs_keyframe = True
        self.counters.dropped += self._open
        self._open = False
        self._fragments = []

    def _append(self, packet: BufferedPacket, fragment: bytes) -> EncodedFrame | None:
        self._fragments.append(fragment)
        self._size += len(fragment)
        self._first_arrival_ns = min(self._first_arrival_ns, packet.arrival_ns)
        self._last_arrival_ns = max(self._last_arrival_ns, packet.arrival_ns)
        if self._size > MAX_FRAME_BYTES:
            self._drop()
            return None
        return self._finish(packet.timestamp) if packet.packet.marker else None

    def _finish(self, timestamp: int) -> EncodedFrame | None:
        data = b"".join(self._fragments)
        width, height = _keyframe_size(data) if self._keyframe else (0, 0)
        if self._keyframe and not 0 < width * height <= MAX_PIXELS:
            self.counters.oversized += width * height > MAX_PIXELS
            self._drop()
            return None
        self._open = self._needs_keyframe = False
        self._timestamp = None
        self._fragments = []
        self.counters.frames += 1
        return EncodedFrame(
            kind="video",
            timestamp=timestamp,
            first_arrival_ns=self._first_arrival_ns,
            arrival_ns=self._last_arrival_ns,
            keyframe=self._keyframe,
            data=data,
            width=width,
            height=height,
        )


def _descriptor_length(payload: bytes) -> int:
    """Measure the payload descriptor (RFC 7741 section 4.2); if cut off, it is no less than the payload."""
    if not payload[0] & 0x80:  # X
        return 1
    if len(payload) < 3:
        return len(payload)
    extension = payload[1]
    length = 2
    if extension & 0x80:  # I: a PictureID of 15 bits with M, of 7 without
        length += 2 if payload[2] & 0x80 else 1
    if extension & 0x40:  # L: TL0PICIDX
        length += 1
    if extension & 0x30:  # T or K: they share a byte
        length += 1
    return length


def _keyframe_size(frame: bytes) -> tuple[int, int]:
    """Read a keyframe's width and height (RFC 6386 section 9.1), 14 bits each; (0, 0) without a header."""
    if len(frame) < 10 or frame[3:6] != b"\x9d\x01\x2a":
        return 0, 0
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF


class OpusDepacketizer:
    """Opus packets, one in each RTP packet (RFC 7587 section 4.2); each stands for itself."""

    def __init__(self) -> None:
        self.counters = FrameCounters()

    @property
    def needs_keyframe(self) -> bool:
        """Never: every Opus packet can begin."""
        return False

    def push(self, packet: BufferedPacket) -> EncodedFrame | None:
        payload = packet.packet.payload
        if not payload:
            return None
        duration_ns = _opus_duration_ns(payload)
        if not duration_ns:
            self.counters.dropped += 1
            return None
        self.counters.frames += 1
        return EncodedFrame(
            kind="audio",
            timestamp=packet.timestamp,
            first_arrival_ns=packet.arrival_ns,
            arrival_ns=packet.arrival_ns,
            keyframe=True,
            data=payload,
            duration_ns=duration_ns,
        )


def _opus_frame_lengths_ns() -> tuple[int, ...]:
    """List the length of one frame for each of the 32 configurations (RFC 6716 table 2)."""
    silk = (10_000, 20_000, 40_000, 60_000) * 3
    hybrid = (10_000, 20_000) * 2
    celt = (2_500, 5_000, 10_000, 20_000) * 4
    return tuple(micros * 1_000 for micros in silk + hybrid + celt)


_OPUS_FRAME_NS = _opus_frame_lengths_ns()
_OPUS_MAX_PACKET_NS = 120 * NS_PER_MS
_OPUS_MAX_FRAME_BYTES = 1275


def _opus_duration_ns(packet: bytes) -> int:
    """Tell how long a packet sounds (RFC 6716 section 3.1); 0 if it breaks a rule of section 3.4."""
    code = packet[0] & 0x03
    if code == 3:
        frames, are_listed, body = _opus_counted_frames(packet)
    else:
        frames, are_listed, body = 1 if code == 0 else 2, code == 2, packet[1:]
    duration_ns = frames * _OPUS_FRAME_NS[packet[0] >> 3]
    if not 0 < duration_ns <= _OPUS_MAX_PACKET_NS:
        return 0
    fits = _fit_listed(body, frames) if are_listed else _fit_equally(body, frames)
    return duration_ns if fits else 0


def _opus_counted_frames(packet: bytes) -> tuple[int, bool, bytes]:
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
    return len(body) % frames == 0 and len(body) // frames <= _OPUS_MAX_FRAME_BYTES


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
    return 0 <= len(body) - at - listed <= _OPUS_MAX_FRAME_BYTES


_DEPACKETIZERS: dict[str, type[Vp8Depacketizer | OpusDepacketizer]] = {
    "VP8": Vp8Depacketizer,
    "opus": OpusDepacketizer,
}
