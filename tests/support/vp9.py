"""Synthetic VP9 frames and their RTP packets: right in every header, of no picture."""

from __future__ import annotations

from services.recorder.media.rtp import RtpPacket
from tests.support.vp8 import packets

SYNC = (0x49_83_42, 24)
#: The last byte of a frame must not look like the end of a superframe (0b110…).
_FILLS = (0xAA, 0xBB)


def bits(*fields: tuple[int, int]) -> bytes:
    """Write values of so many bits each, the highest first, up to a whole byte."""
    text = "".join(f"{value:0{count}b}" for value, count in fields if count)
    return int(text.ljust(-len(text) // 8 * -8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def keyframe(width: int = 640, height: int = 480, size: int = 40, fill: int = _FILLS[0]) -> bytes:
    """Make a frame of `size` bytes: profile 0, shown, of color space 1 (section 6.2 of the bitstream specification)."""
    header = bits((0b10_0_0_0_0_1_0, 8), SYNC, (1, 3), (0, 1), (width - 1, 16), (height - 1, 16))
    return header.ljust(size, bytes((fill,)))


def delta_frame(size: int = 20, fill: int = _FILLS[1], claims: tuple[int, int] | None = None) -> bytes:
    """Make an inter frame, as large as its first reference or as it claims."""
    begin = ((0b10_0_0_0_1_1_1, 8), (1, 8), (0, 12))  # error resilient, so no reset_frame_context
    found = ((1, 1),) if claims is None else ((0, 3), (claims[0] - 1, 16), (claims[1] - 1, 16))
    return bits(*begin, *found).ljust(size, bytes((fill,)))


def structure(*sizes: tuple[int, int]) -> bytes:
    """Make a scalability structure with the size of each layer (RFC 9628 section 4.2.1)."""
    return bits((len(sizes) - 1, 3), (0b10000, 5), *((side, 16) for size in sizes for side in size))


def packetize(
    *layers: bytes, timestamp: int, sequence: int, mtu: int = 10, declares: bytes = b"", picture_id: int = 7
) -> list[RtpPacket]:
    """Split the frames of one picture into packets with at most `mtu` bytes each, in non-flexible mode."""
    parts = [
        _descriptor(layer, at, mtu, layers, declares, picture_id) + frame[at : at + mtu]
        for layer, frame in enumerate(layers)
        for at in range(0, len(frame), mtu)
    ]
    return packets(parts, timestamp, sequence)


def _descriptor(layer: int, at: int, mtu: int, layers: tuple[bytes, ...], declares: bytes, picture_id: int) -> bytes:
    declared = declares if at == layer == 0 else b""
    begins, ends = at == 0, at + mtu >= len(layers[layer])
    flags = 0x80 | 0x20 * (len(layers) > 1) | 0x08 * begins | 0x04 * ends | 0x02 * bool(declared)
    indices = bytes((layer << 1, 0)) if len(layers) > 1 else b""
    return bytes((flags,)) + (0x8000 | picture_id).to_bytes(2, "big") + indices + declared
