"""AV1's open bitstream units, with their sizes or without.

Pure. By the "AV1 Bitstream & Decoding Process Specification", version 1.0.0 with errata 1; sections are its own.
"""

from __future__ import annotations

from typing import NamedTuple

#: Types (section 6.2.2).
SEQUENCE_HEADER, FRAME_HEADER, FRAME = 1, 3, 6
#: Temporal delimiters and tile lists, which are not to be kept, and padding, which says nothing.
IGNORED = {2, 8, 15}


class Obu(NamedTuple):
    """An open bitstream unit (section 5.3)."""

    #: 0..15
    type: int
    #: A byte that tells its layers, or none.
    extension: bytes
    payload: bytes

    def with_size(self) -> bytes:
        """Write it as files hold it: with its size."""
        header = self.type << 3 | (0x04 if self.extension else 0) | 0x02
        return bytes((header,)) + self.extension + leb128(len(self.payload)) + self.payload


def read_obu(element: bytes) -> Obu | None:
    """Read one OBU, with its size or without; None if it is malformed."""
    try:
        return _obu(element)[0]
    except IndexError:
        return None


def leb128(value: int) -> bytes:
    """Write a number in 7 bits of each byte, the lowest first (section 4.10.5)."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """Read such a number, of at most 8 bytes; return it with where it ends. Raises IndexError if it does not."""
    value = 0
    for place in range(8):
        value |= (data[at + place] & 0x7F) << 7 * place
        if not data[at + place] & 0x80:
            return value, at + place + 1
    raise IndexError("a number of more than 8 bytes")


def read_obus(data: bytes) -> list[Obu]:
    """Read OBUs that follow one another, each with its size, as encoders write them; none if one is malformed."""
    obus = []
    try:
        while data:
            obu, end = _obu(data)
            obus.append(obu)
            data = data[end:]
    except IndexError:
        return []
    return obus


def _obu(data: bytes) -> tuple[Obu, int]:
    """Read an OBU; return it with where it ends. Raises IndexError."""
    header, at = data[0], 1
    extension = bytes((data[at],)) if header & 0x04 else b""
    at += len(extension)
    size, at = read_leb128(data, at) if header & 0x02 else (len(data) - at, at)
    if header & 0x80 or at + size > len(data):
        raise IndexError(f"an OBU of {size} bytes, {len(data) - at} are there")
    return Obu(header >> 3 & 0x0F, extension, data[at : at + size]), at + size
