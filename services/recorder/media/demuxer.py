"""Bytes to blocks: a segment that ffmpeg wrote, read back piece by piece.

Pure: no I/O and no clock. It reads what ffmpeg makes of `muxer.py`'s stream, whole or cut off anywhere: track 1 is the
picture, track 2 the sound, and a tick is a millisecond. Sources: as in `muxer.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.recorder.media.frame import NS_PER_MS, Block, Kind

_SEGMENT, _CLUSTER, _BLOCK_GROUP = 0x18538067, 0x1F43B675, 0xA0
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK, _REFERENCE_BLOCK = 0xE7, 0xA3, 0xA1, 0xFB
#: What is read into, so that its size does not matter: it may be unknown.
_READ_INTO = {_SEGMENT, _CLUSTER}
_KINDS: dict[int, Kind] = {1: "video", 2: "audio"}
_KEYFRAME = 0x80
#: Nothing that ffmpeg writes is larger; what says so is not what ffmpeg wrote.
_MOST_BYTES = 256 * 1024 * 1024


class Demuxer:
    """Yields the blocks of a file that comes in pieces. What is not whole at its end is left out."""

    def __init__(self) -> None:
        self._data = b""
        self._cluster_ms = 0
        self._broken = False

    def take(self, piece: bytes) -> list[Block]:
        """Return the blocks that this piece makes whole."""
        if self._broken:
            return []
        self._data += piece
        blocks: list[Block] = []
        at = 0
        while (element := _element(self._data, at)) is not None:
            element_id, begin, end = element
            if element_id in _READ_INTO:
                at = begin
                continue
            if end - begin > _MOST_BYTES:
                self._broken = True
                break
            if end > len(self._data):
                break
            at = end
            blocks += self._read(element_id, self._data[begin:end])
        self._data = self._data[at:]
        return blocks

    def _read(self, element_id: int, data: bytes) -> Iterator[Block]:
        if element_id == _TIMESTAMP:
            self._cluster_ms = int.from_bytes(data, "big")
        elif element_id == _SIMPLE_BLOCK:
            yield self._block(data, keyframe=bool(data[3] & _KEYFRAME))
        elif element_id == _BLOCK_GROUP:
            parts = dict(_children(data))
            yield self._block(parts[_BLOCK], keyframe=_REFERENCE_BLOCK not in parts)

    def _block(self, data: bytes, *, keyframe: bool) -> Block:
        """Read track, time after the cluster's, flags and data (RFC 9559 section 10.1); both numbers take one octet."""
        time_ms = self._cluster_ms + int.from_bytes(data[1:3], "big", signed=True)
        return Block(_KINDS[data[0] & 0x7F], time_ms * NS_PER_MS, keyframe, data[4:])


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while (element := _element(data, at)) is not None:
        element_id, begin, at = element
        yield element_id, data[begin:at]


def _element(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return the id of the element at that place, and where its content begins and ends; None: its head is not whole.

    Zeros, as a file system may leave them after a crash, are no head either.
    """
    id_length = _length(data, at)
    size_at = at + id_length
    size_length = _length(data, size_at)
    begin = size_at + size_length
    if not (id_length and size_length) or begin > len(data):
        return None
    element_id = int.from_bytes(data[at:size_at], "big")
    size = int.from_bytes(data[size_at:begin], "big") & (1 << 7 * size_length) - 1
    return element_id, begin, begin + size


def _length(data: bytes, at: int) -> int:
    """Return of how many octets the number there is: one more than it has zeros in front (RFC 8794 section 4)."""
    return 9 - data[at].bit_length() if at < len(data) and data[at] else 0
