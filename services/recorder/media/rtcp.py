"""RTCP: what senders report, and what they are told and asked for in return. Goodbyes are parsed and not heeded.

Pure: bytes in, values out, and back. RFC 3550 section 6, RFC 4585 sections 6.2.1 and 6.3.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.rtp import RtpError

_SENDER_REPORT = 200
_RECEIVER_REPORT = 201
_SOURCE_DESCRIPTION = 202
_GOODBYE = 203
_TRANSPORT_FEEDBACK = 205
_PAYLOAD_FEEDBACK = 206
_GENERIC_NACK = 1
_PICTURE_LOSS = 1
_CNAME = 1

_HEADER = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!IIIIII")
_REPORT_BLOCK = struct.Struct("!IIIIII")
_HEADER_WITH_SSRC = struct.Struct("!BBHI")
_FEEDBACK = struct.Struct("!BBHII")
_LOST = struct.Struct("!HH")

_VERSION = 2
#: Seconds from 1900-01-01, where NTP begins, to 1970-01-01.
_NTP_TO_UNIX_S = 2_208_988_800
#: NTP seconds below this belong to the era that begins in February 2036 (RFC 4330 section 3).
_NTP_ERA_HALF = 1 << 31


class NotRtcpError(RtpError):
    """These bytes are no compound RTCP packet."""

    def __str__(self) -> str:
        return f"not an RTCP packet: {self.reason}"


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A sender's word on which RTP timestamp is which moment of its own clock (RFC 3550 section 6.4.1)."""

    ssrc: int
    #: The sender's wall clock, Unix epoch: exact between tracks of one sender, else as good as its clock.
    ntp_ns: int
    #: 0..2^32-1, wraps; the same moment in ticks of the track.
    rtp_timestamp: int
    #: The middle 32 bits of the NTP time, as `receiver_report` gives them back in `lsr`.
    ntp_middle: int
    packet_count: int
    octet_count: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Sources that leave (RFC 3550 section 6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""


def parse_rtcp(data: bytes) -> list[SenderReport | Goodbye]:
    """Parse what a compound packet reports, in its order; raise `NotRtcpError` and nothing else.

    Other packet types are skipped, and so is a sender report whose NTP time is zero: that sender has no clock
    (RFC 3550 section 6.4.1). A compound that begins with something else than a report is taken (RFC 5506).
    """
    reports: list[SenderReport | Goodbye] = []
    for packet_type, count, body in _packets(data):
        if packet_type == _SENDER_REPORT:
            reports += _sender_report(body, count)
        elif packet_type == _GOODBYE:
            reports.append(_goodbye(body, count))
    return reports


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, count and body of each packet in the compound."""
    if not data:
        raise NotRtcpError("0 bytes")
    start = 0
    while start < len(data):
        if len(data) < start + _HEADER.size:
            raise NotRtcpError(f"{len(data) - start} bytes at {start}, a header has {_HEADER.size}")
        first, packet_type, words = _HEADER.unpack_from(data, start)
        if first >> 6 != _VERSION:
            raise NotRtcpError(f"version {first >> 6} at {start}, expected {_VERSION}")
        end = start + 4 * (words + 1)
        if end > len(data):
            raise NotRtcpError(f"packet of {end - start} bytes at {start}, {len(data) - start} are there")
        yield packet_type, first & 0x1F, data[start + _HEADER.size : end]
        start = end


def _sender_report(body: bytes, blocks: int) -> list[SenderReport]:
    expected = _SENDER_INFO.size + blocks * _REPORT_BLOCK.size
    if len(body) < expected:
        raise NotRtcpError(f"sender report of {len(body)} bytes, its {blocks} blocks need {expected}")
    ssrc, seconds, fraction, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    if seconds == fraction == 0:
        return []
    middle = (seconds & 0xFFFF) << 16 | fraction >> 16
    return [SenderReport(ssrc, _unix_ns(seconds, fraction), rtp_timestamp, middle, packets, octets)]


def _unix_ns(seconds: int, fraction: int) -> int:
    """Convert a 32.32 bit NTP time to nanoseconds since the Unix epoch, rounded to the nearest."""
    era = 0 if seconds >= _NTP_ERA_HALF else 1 << 32
    return (era + seconds - _NTP_TO_UNIX_S) * NS_PER_SECOND + (fraction * NS_PER_SECOND + (1 << 31) >> 32)


def _goodbye(body: bytes, sources: int) -> Goodbye:
    if len(body) < 4 * sources:
        raise NotRtcpError(f"goodbye of {len(body)} bytes, its {sources} sources need {4 * sources}")
    ssrcs = struct.unpack_from(f"!{sources}I", body)
    rest = body[4 * sources :]
    if rest and len(rest) <= rest[0]:
        raise NotRtcpError(f"goodbye with a reason of {rest[0]} bytes, {len(rest) - 1} are there")
    return Goodbye(ssrcs, rest[1 : 1 + rest[0]].decode(errors="replace") if rest else "")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What we received of one sender (RFC 3550 section 6.4.1)."""

    #: Since the last report, in 1/256: 0..255.
    fraction_lost: int
    #: Since the beginning. Negative with many duplicates; what 24 bits do not hold stays at their bounds.
    cumulative_lost: int
    #: Unwrapped; the lowest 32 bits are told.
    extended_highest_sequence: int
    #: In ticks of the track.
    jitter: int
    #: The `ntp_middle` of the sender's last report; 0: there was none.
    lsr: int = 0
    #: How long ago that came, in 1/65536 s.
    dlsr: int = 0


def receiver_report(sender_ssrc: int, media_ssrc: int, block: ReportBlock) -> bytes:
    """Report what we received of one sender (RFC 3550 section 6.4.2), `sender_ssrc` being our own."""
    lost = max(-0x80_0000, min(0x7F_FFFF, block.cumulative_lost)) & 0xFF_FFFF
    highest = block.extended_highest_sequence & 0xFFFF_FFFF
    jitter, dlsr = min(block.jitter, 0xFFFF_FFFF), min(block.dlsr, 0xFFFF_FFFF)
    report = _HEADER_WITH_SSRC.pack(_VERSION << 6 | 1, _RECEIVER_REPORT, 7, sender_ssrc)
    told = _REPORT_BLOCK.pack(media_ssrc, block.fraction_lost << 24 | lost, highest, jitter, block.lsr, dlsr)
    return report + told + _source_description(sender_ssrc)


def picture_loss_indication(sender_ssrc: int, media_ssrc: int) -> bytes:
    """Ask for a keyframe (RFC 4585 section 6.3.1), `sender_ssrc` being our own."""
    request = _FEEDBACK.pack(_VERSION << 6 | _PICTURE_LOSS, _PAYLOAD_FEEDBACK, 2, sender_ssrc, media_ssrc)
    return empty_report(sender_ssrc) + request


def generic_nack(sender_ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """Ask for packets once more (RFC 4585 section 6.2.1), `sender_ssrc` being our own.

    Sequence numbers may be unwrapped, are sorted, and at least one. Each 32 bits name one and any of the 16 after it.
    """
    lost = b"".join(_LOST.pack(first & 0xFFFF, following) for first, following in _seventeens(sequences))
    words = 2 + len(lost) // 4
    request = _FEEDBACK.pack(_VERSION << 6 | _GENERIC_NACK, _TRANSPORT_FEEDBACK, words, sender_ssrc, media_ssrc)
    return empty_report(sender_ssrc) + request + lost


def _seventeens(sequences: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield a sequence number, and which of the 16 after it are among the others: the next one is the lowest bit."""
    first, following = None, 0
    for sequence in sequences:
        if first is not None and sequence - first <= 16:
            following |= 1 << sequence - first - 1
            continue
        if first is not None:
            yield first, following
        first, following = sequence, 0
    if first is not None:
        yield first, following


def empty_report(ssrc: int) -> bytes:
    """Report on nobody, and name ourselves: a compound without that is not legal (RFC 3550 section 6.1)."""
    return _HEADER_WITH_SSRC.pack(_VERSION << 6, _RECEIVER_REPORT, 1, ssrc) + _source_description(ssrc)


def _source_description(ssrc: int) -> bytes:
    """Name ourselves: an SDES packet with a CNAME alone (RFC 3550 section 6.5)."""
    name = b"onrecord-%08x" % ssrc
    # the list of items ends in at least one zero byte and fills its last 32-bit word
    items = bytes((_CNAME, len(name))) + name + bytes(4 - (2 + len(name)) % 4)
    return _HEADER_WITH_SSRC.pack(_VERSION << 6 | 1, _SOURCE_DESCRIPTION, 1 + len(items) // 4, ssrc) + items
