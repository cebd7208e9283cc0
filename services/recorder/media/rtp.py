"""RTP packets from bytes (RFC 3550 section 5.1), and telling them from RTCP (RFC 5761 section 4).

Pure: bytes in, values out. Every refusal is an `RtpError`:

    RtpError
     ├─ NotRtpError        here
     └─ NotRtcpError       rtcp.py
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
_EXTENSION_HEADER = struct.Struct("!HH")

_VERSION = 2


class RtpError(Exception):
    """What came from the network is not what its place says it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotRtpError(RtpError):
    """These bytes are no RTP packet."""

    def __str__(self) -> str:
        return f"not an RTP packet: {self.reason}"


class RtpPacket(NamedTuple):
    """One RTP packet without its CSRCs, header extension and padding, which a recorder has no use for.

    A named tuple: packets are many, and a frozen dataclass takes three times as long to make.
    """

    #: 0..127
    payload_type: int
    #: 0..65535, wraps
    sequence_number: int
    #: 0..2^32-1, wraps; ticks of the payload's clock
    timestamp: int
    #: 0..2^32-1
    ssrc: int
    #: For video: the last packet of its frame.
    marker: bool
    #: May be empty: senders probe the bandwidth with packets of padding alone.
    payload: bytes


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of a multiplexed port is RTCP: packet types 192..223 (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse_rtp(data: bytes) -> RtpPacket:
    """Parse the RTP packet in one datagram; raise `NotRtpError` and nothing else."""
    if len(data) < _HEADER.size:
        raise NotRtpError(f"{len(data)} bytes, a header has {_HEADER.size}")
    first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != _VERSION:
        raise NotRtpError(f"version {first >> 6}, expected {_VERSION}")
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        start = _after_extension(data, start)
    end = _before_padding(data) if first & 0x20 else len(data)
    if start > end:
        raise NotRtpError(f"header of {start} bytes, {end} are there")
    return RtpPacket(second & 0x7F, sequence_number, timestamp, ssrc, second >= 0x80, data[start:end])


def _after_extension(data: bytes, start: int) -> int:
    if len(data) < start + _EXTENSION_HEADER.size:
        raise NotRtpError(f"{len(data)} bytes end within the header extension at {start}")
    _, words = _EXTENSION_HEADER.unpack_from(data, start)
    return start + _EXTENSION_HEADER.size + 4 * int(words)


def _before_padding(data: bytes) -> int:
    padding = data[-1]
    if padding == 0:
        raise NotRtpError("padding of 0 bytes, it counts itself")
    return len(data) - padding
