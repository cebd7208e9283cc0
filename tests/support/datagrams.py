"""RTP and RTCP as they come from the network."""

from __future__ import annotations

import struct

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.rtp import RtpPacket
from tests.support import vp8

#: Seconds from 1900-01-01, where NTP begins, to 1970-01-01.
_UNIX_TO_NTP = 2_208_988_800


def datagram(packet: RtpPacket) -> bytes:
    second = packet.marker << 7 | packet.payload_type
    header = struct.pack("!BBHII", 0x80, second, packet.sequence_number, packet.timestamp, packet.ssrc)
    return header + packet.payload


def sender_report(ntp_ns: int, timestamp: int, ssrc: int = vp8.SSRC) -> bytes:
    """Report that the timestamp, in 32 bits, was that moment of the sender's clock, in ns since the Unix epoch."""
    seconds, rest_ns = divmod(ntp_ns, NS_PER_SECOND)
    ntp = (seconds + _UNIX_TO_NTP & 0xFFFF_FFFF, (rest_ns << 32) // NS_PER_SECOND)
    return struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, *ntp, timestamp & 0xFFFF_FFFF, 1, 1)
