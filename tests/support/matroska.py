"""What the muxer wrote, read back block by block without ffmpeg (RFC 8794 and RFC 9559)."""

from __future__ import annotations

from collections.abc import Iterator

from services.recorder.media.frame import Kind
from tests.support.webm import Packet

_SEGMENT, _CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x18538067, 0x1F43B675, 0xE7, 0xA3
#: What others are in: they are read, and not passed over.
_WITHIN = {_SEGMENT, _CLUSTER}
_KINDS: dict[int, Kind] = {0x81: "video", 0x82: "audio"}


def read_blocks(data: bytes) -> list[Packet]:
    """Return every block of a Matroska stream, in its order."""
    blocks, cluster_ms = [], 0
    for element, body in _elements(data):
        if element == _TIMESTAMP:
            cluster_ms = int.from_bytes(body, "big")
        elif element == _SIMPLE_BLOCK:
            blocks.append(_block(body, cluster_ms))
    return blocks


def _block(body: bytes, cluster_ms: int) -> Packet:
    time_ms = cluster_ms + int.from_bytes(body[1:3], "big", signed=True)
    return Packet(_KINDS[body[0]], time_ms, bool(body[3] & 0x80), body[4:])


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        element, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        if element not in _WITHIN:
            yield element, data[at : at + size]
            at += size


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """Read a number of as many octets as its first one tells; return it and where the next one is."""
    octets = 9 - data[at].bit_length()
    number = int.from_bytes(data[at : at + octets], "big")
    return number if keep_marker else number & ~(1 << 7 * octets), at + octets
