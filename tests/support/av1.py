"""Synthetic AV1 temporal units and their RTP packets: right in every header, of no picture."""

from __future__ import annotations

from services.recorder.media.payloads.av1_obu import Obu, leb128
from services.recorder.media.rtp import RtpPacket
from tests.support.vp8 import packets
from tests.support.vp9 import bits

#: Types of OBUs (section 6.2.2 of the bitstream specification).
SEQUENCE_HEADER, FRAME_HEADER, TILE_GROUP, FRAME = 1, 3, 4, 6
#: Neither timing info nor display delays, one operating point of level 4.0 in the main tier.
PLAIN = ((0, 1), (0, 1), (0, 5), (0, 12), (8, 5), (0, 1))
#: No frame ids, all tools, order hints of 7 bits, screen content and integer vectors as the frames choose.
TOOLS = ((0, 1), (0b111, 3), (0b1111, 4), (1, 1), (0b11, 2), (1, 1), (1, 1), (6, 3), (0b111, 3))
#: 8 bits in 4:2:0, undescribed, in limited range, of chroma position 2; no film grain.
COLOR = ((0, 1), (0, 1), (0, 1), (0, 1), (2, 2), (0, 1))

Fields = tuple[tuple[int, int], ...]


def sequence_header(
    width: int = 640,
    height: int = 480,
    *,
    profile: int = 0,
    points: Fields = PLAIN,
    tools: Fields = TOOLS,
    color: Fields = COLOR,
) -> bytes:
    """Write a sequence header behind that of its OBU (section 5.5.1 of the bitstream specification)."""
    size = ((15, 4), (15, 4), (width - 1, 16), (height - 1, 16))
    return bits((profile, 3), (0, 1), (0, 1), *points, *size, *tools, *color, (1, 1))


def keyframe(width: int = 640, height: int = 480, size: int = 40, fill: int = 0xAA) -> list[Obu]:
    return [Obu(SEQUENCE_HEADER, b"", sequence_header(width, height)), _frame(0x10, size, fill)]


def delta_frame(size: int = 20, fill: int = 0xBB) -> list[Obu]:
    return [_frame(0x30, size, fill)]


def unit(obus: list[Obu]) -> bytes:
    """Write a temporal unit as a file holds it."""
    return b"".join(obu.with_size() for obu in obus)


def element(obu: Obu) -> bytes:
    """Write an OBU as RTP holds it: without its size."""
    return bytes((obu.type << 3 | (0x04 if obu.extension else 0),)) + obu.extension + obu.payload


def payload(*elements: bytes, continues: bool = False, goes_on: bool = False, counted: bool = True) -> bytes:
    """Aggregate OBU elements, up to three if they are counted."""
    *sized, last = elements
    if not counted:
        sized, last = [*sized, last], b""
    header = continues << 7 | goes_on << 6 | (len(elements) << 4 if counted else 0)
    return bytes((header,)) + b"".join(leb128(len(each)) + each for each in sized) + last


def packetize(obus: list[Obu], *, timestamp: int, sequence: int, mtu: int = 10) -> list[RtpPacket]:
    """Send each OBU in packets of its own, with at most `mtu` bytes of it each."""
    parts = [part for obu in obus for part in _parts(element(obu), mtu)]
    return packets(parts, timestamp, sequence)


def _parts(whole: bytes, mtu: int) -> list[bytes]:
    starts = range(0, len(whole), mtu)
    return [payload(whole[at : at + mtu], continues=at > 0, goes_on=at + mtu < len(whole)) for at in starts]


def _frame(first: int, size: int, fill: int) -> Obu:
    return Obu(FRAME, b"", bytes((first,)).ljust(size, bytes((fill,))))
