"""VP8 pictures from RTP payloads (RFC 7741), and what their header says (RFC 6386). Pure."""

from __future__ import annotations

from services.recorder.media.payloads.video import WholePicture


class Vp8Picture:
    """One frame, in one or more payloads."""

    def __init__(self) -> None:
        self.keyframe = False
        self.size = 0
        self._parts: list[bytes] = []

    def add(self, payload: bytes) -> bool:
        start = _descriptor_length(payload)
        begins = payload[0] & 0x17 == 0x10  # S=1, PID=0
        if start >= len(payload) or begins == bool(self._parts):
            return False
        if begins:
            self.keyframe = not payload[start] & 0x01
        self._parts.append(payload[start:])
        self.size += len(payload) - start
        return True

    def whole(self) -> WholePicture:
        data = b"".join(self._parts)
        return WholePicture(data, *(_keyframe_size(data) if self.keyframe else (0, 0)))


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
