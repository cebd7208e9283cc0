"""Transport-wide feedback: when each packet of a client came, by which it finds the rate that the network bears.

Pure: bytes and arrival times in, bytes out. draft-holmer-rmcat-transport-wide-cc-extensions-01; the header extension's
form is of RFC 8285 sections 4.2 and 4.3. Without it a browser sends 300 kbit/s and hardly more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import groupby

from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.rtcp import empty_report
from services.recorder.media.sequence import Unwrapper

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

#: Without CSRCs and extension.
RTP_HEADER_BYTES = 12

#: How long feedback is apart. Senders want 50 to 250 ms of it at a time.
_PAUSE_NS = 100 * NS_PER_MS
#: Packets that one feedback may tell of, and that may wait: several times what comes in a pause.
_MOST_PACKETS = 2000

_TRANSPORT_FEEDBACK = 205
_FORMAT = 15
_HEADER = struct.Struct("!BBHIIHHI")
_CHUNK = struct.Struct("!H")
_LARGE_DELTA = struct.Struct("!h")
_DELTA_NS = 250_000
_REFERENCE_NS = 64 * NS_PER_MS

_LOST, _SMALL, _LARGE = 0, 1, 2
_RUN_LENGTH = 0x1FFF
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILES = range(0x1000, 0x1010)


def transport_sequence(packet: bytes, extension: int) -> int | None:
    """Return the packet's number in its transport, 0..65535, from the header extension of that id; None: it has none.

    The packet is RTP with a whole fixed header.
    """
    if not packet[0] & 0x10:
        return None
    start = RTP_HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if len(packet) < start + 4:
        return None
    profile, words = struct.unpack_from("!HH", packet, start)
    elements = packet[start + 4 : start + 4 + 4 * words]
    is_short = profile == _ONE_BYTE_PROFILE
    if not is_short and profile not in _TWO_BYTE_PROFILES:
        return None
    for number, value in _elements(elements, is_short=is_short):
        if number == extension and len(value) == 2:
            return int.from_bytes(value, "big")
    return None


def _elements(data: bytes, *, is_short: bool) -> Iterator[tuple[int, bytes]]:
    """Yield id and value of each element, until the list ends or makes no sense."""
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        if is_short:
            number, length, at = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
        else:
            number, length, at = data[at], data[at + 1] if at + 1 < len(data) else 0, at + 2
        if at + length > len(data) or (is_short and number == 15):
            return
        yield number, data[at : at + length]
        at += length


class TransportFeedback:
    """What came of one transport since its sender was last told."""

    def __init__(self, ssrc: int) -> None:
        """`ssrc` is ours."""
        self._ssrc = ssrc
        self._sequences = Unwrapper(16)
        #: Arrivals (ns) by unwrapped numbers.
        self._arrivals: dict[int, int] = {}
        self._told_ns = 0
        #: The number after the last one that was told of.
        self._next: int | None = None
        self._count = 0
        #: Any of the client's: senders take feedback only about what is theirs.
        self._media_ssrc = 0

    def came(self, sequence: int, arrival_ns: int, media_ssrc: int) -> None:
        """Take note of a packet by its number in the transport, and of whose it is."""
        self._media_ssrc = media_ssrc
        unwrapped = self._sequences.unwrap(sequence)
        if len(self._arrivals) < _MOST_PACKETS:
            self._arrivals.setdefault(unwrapped, arrival_ns)

    def due(self, now_ns: int) -> list[bytes]:
        """Return what is to be sent now: an RTCP compound, or several where the arrivals are far apart."""
        if not self._arrivals or now_ns - self._told_ns < _PAUSE_NS:
            return []
        self._told_ns = now_ns
        arrivals, self._arrivals = self._arrivals, {}
        first = min(arrivals) if self._next is None else min(self._next, *arrivals)
        self._next = max(arrivals) + 1
        return [self._packet(*part) for part in _parts(arrivals, max(first, self._next - _MOST_PACKETS))]

    def _packet(self, first: int, deltas: list[int | None], reference: int) -> bytes:
        symbols = [_symbol(delta) for delta in deltas]
        body = b"".join(_chunks(symbols)) + b"".join(_written(delta) for delta in deltas if delta is not None)
        padding = -len(body) % 4
        count, self._count = self._count, (self._count + 1) & 0xFF
        words = (_HEADER.size + len(body) + padding) // 4 - 1
        about = (reference & 0xFF_FFFF) << 8 | count
        version = 2 << 6 | (0x20 if padding else 0) | _FORMAT
        header = _HEADER.pack(
            version, _TRANSPORT_FEEDBACK, words, self._ssrc, self._media_ssrc, first & 0xFFFF, len(deltas), about
        )
        end = bytes(padding - 1) + bytes([padding]) if padding else b""
        return empty_report(self._ssrc) + header + body + end


def _parts(arrivals: dict[int, int], first: int) -> Iterator[tuple[int, list[int | None], int]]:
    """Yield the first number, the deltas from one arrival to the next, and the reference time of each packet.

    A delta is in quarters of a millisecond; None: that one did not come. Another packet begins where one is too large.
    """
    begin, deltas = first, list[int | None]()
    reference: int | None = None
    at = 0
    for number in range(first, max(arrivals) + 1):
        arrival_ns = arrivals.get(number)
        if arrival_ns is None:
            deltas.append(None)
            continue
        moment = arrival_ns // _DELTA_NS
        if reference is not None and not -0x8000 <= moment - at < 0x8000:
            yield begin, deltas, reference
            begin, deltas, reference = number, [], None
        if reference is None:
            reference = arrival_ns // _REFERENCE_NS
            at = reference * (_REFERENCE_NS // _DELTA_NS)
        deltas.append(moment - at)
        at = moment
    yield begin, deltas, reference or 0


def _symbol(delta: int | None) -> int:
    if delta is None:
        return _LOST
    return _SMALL if 0 <= delta <= 0xFF else _LARGE


def _chunks(symbols: list[int]) -> Iterator[bytes]:
    """Yield runs of one symbol (section 3.1.3)."""
    for symbol, run in groupby(symbols):
        length = sum(1 for _ in run)
        while length:
            part = min(length, _RUN_LENGTH)
            yield _CHUNK.pack(symbol << 13 | part)
            length -= part


def _written(delta: int) -> bytes:
    return bytes([delta]) if 0 <= delta <= 0xFF else _LARGE_DELTA.pack(delta)
