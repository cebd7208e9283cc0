"""Synthetic VP8 frames and their RTP packets: right in every header, of no picture."""

from __future__ import annotations

from services.recorder.media.rtp import RtpPacket

SSRC = 0x1234


def keyframe(width: int = 640, height: int = 480, size: int = 40, fill: int = 0xAA) -> bytes:
    """Make a frame of `size` bytes with the header of RFC 6386 section 9.1, scale bits set to be ignored."""
    sizes = (width | 0x4000).to_bytes(2, "little") + (height | 0x8000).to_bytes(2, "little")
    return (b"\x10\x02\x00\x9d\x01\x2a" + sizes).ljust(size, bytes((fill,)))


def delta_frame(size: int = 20, fill: int = 0xBB) -> bytes:
    return b"\x11\x02\x00".ljust(size, bytes((fill,)))


def packetize(
    frame: bytes, *, timestamp: int, sequence: int, mtu: int = 10, picture_id: int | None = None
) -> list[RtpPacket]:
    """Split a frame into packets with at most `mtu` bytes of it each, by RFC 7741 section 4."""
    starts = range(0, len(frame), mtu)
    parts = [_descriptor(picture_id, is_start=at == 0) + frame[at : at + mtu] for at in starts]
    return packets(parts, timestamp, sequence)


def packets(payloads: list[bytes], timestamp: int, sequence: int) -> list[RtpPacket]:
    """Put the payloads of one picture, whatever its codec, into packets that follow one another."""
    return [
        RtpPacket(
            payload_type=96,
            sequence_number=(sequence + index) & 0xFFFF,
            timestamp=timestamp & 0xFFFF_FFFF,
            ssrc=SSRC,
            marker=index == len(payloads) - 1,
            payload=payload,
        )
        for index, payload in enumerate(payloads)
    ]


def _descriptor(picture_id: int | None, *, is_start: bool) -> bytes:
    start = 0x10 if is_start else 0
    if picture_id is None:
        return bytes((start,))
    return bytes((start | 0x80, 0x80)) + (0x8000 | picture_id).to_bytes(2, "big")
