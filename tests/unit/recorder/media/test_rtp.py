from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.rtp import NotRtpError, RtpError, RtpPacket, is_rtcp, parse_rtp


def datagram(first: int = 0x80, second: int = 96, rest: bytes = b"payload") -> bytes:
    return struct.pack("!BBHII", first, second, 0xFFFE, 0x8000_0001, 0xDEAD_BEEF) + rest


def test_each_field_of_the_header_is_read() -> None:
    assert parse_rtp(datagram(second=0x80 | 111)) == RtpPacket(
        payload_type=111,
        sequence_number=0xFFFE,
        timestamp=0x8000_0001,
        ssrc=0xDEAD_BEEF,
        marker=True,
        payload=b"payload",
    )


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        pytest.param(0x80, b"payload", id="plain"),
        pytest.param(0x82, bytes(8) + b"payload", id="two CSRCs"),
        pytest.param(0x90, b"\xbe\xde\x00\x01\x10\xff\x00\x00payload", id="extension"),
        pytest.param(0x90, b"\xbe\xde\x00\x00payload", id="empty extension"),
        pytest.param(0xA0, b"payload\x01", id="least padding"),
        pytest.param(0xA0, b"payload\x00\x00\x03", id="padding"),
        pytest.param(0xB1, bytes(4) + b"\xbe\xde\x00\x01\x10\xff\x00\x00payload\x00\x02", id="all of them"),
    ],
)
def test_csrcs_extension_and_padding_are_no_payload(first: int, rest: bytes) -> None:
    assert parse_rtp(datagram(first, rest=rest)).payload == b"payload"


def test_a_packet_of_padding_alone_has_an_empty_payload() -> None:
    assert parse_rtp(datagram(0xA0, rest=b"\x00\x00\x03")).payload == b""


def test_only_the_highest_bit_of_the_second_byte_is_the_marker() -> None:
    packet = parse_rtp(datagram(second=127))
    assert (packet.marker, packet.payload_type) == (False, 127)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "0 bytes, a header has 12", id="nothing"),
        pytest.param(datagram(rest=b"")[:11], "11 bytes, a header has 12", id="short"),
        pytest.param(datagram(0x40), "version 1, expected 2", id="version"),
        pytest.param(datagram(0x81, rest=b"abc"), "header of 16 bytes, 15 are there", id="CSRC cut off"),
        pytest.param(datagram(0x90, rest=b"\xbe\xde\x00"), "end within the header extension", id="no length"),
        pytest.param(datagram(0x90, rest=b"\xbe\xde\x00\x02abcd"), "header of 24 bytes, 20 are", id="extension cut"),
        pytest.param(datagram(0xA0, rest=b"a\x00"), "padding of 0 bytes", id="padding of nothing"),
        pytest.param(datagram(0xA0, rest=b"a\x03"), "header of 12 bytes, 11 are there", id="padding too long"),
    ],
)
def test_what_is_malformed_is_refused_with_the_value_that_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(NotRtpError, match=reason) as caught:
        parse_rtp(data)
    assert reason in caught.value.reason
    assert str(caught.value).startswith("not an RTP packet: ")


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda rest: b"\xb3\x60" + rest)))
def test_arbitrary_bytes_are_a_packet_or_refused(data: bytes) -> None:
    try:
        packet = parse_rtp(data)
    except RtpError:
        return
    assert packet.payload in data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x80\xbf", False),
        (b"\x80\xc0", True),
        (b"\x80\xc8", True),
        (b"\x80\xdf", True),
        (b"\x80\xe0", False),
        (b"\x80\x60", False),
        (b"\x80", False),
        (b"", False),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else None,
)
def test_rtcp_is_told_by_its_packet_type(data: bytes, *, expected: bool) -> None:
    assert is_rtcp(data) is expected
