from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.rtcp import (
    Goodbye,
    NotRtcpError,
    ReportBlock,
    SenderReport,
    generic_nack,
    parse_rtcp,
    picture_loss_indication,
    receiver_report,
)
from services.recorder.media.rtp import RtpError, is_rtcp

#: 2020-01-01T00:00:00Z
NTP_2020_S = 3_786_825_600
UNIX_2020_NS = 1_577_836_800 * 10**9


def packet(packet_type: int, body: bytes, count: int = 0) -> bytes:
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def sender_report(seconds: int = NTP_2020_S, fraction: int = 1 << 31, blocks: int = 0) -> bytes:
    body = struct.pack("!6I", 0xAA, seconds, fraction, 90_000, 7, 700) + bytes(24 * blocks)
    return packet(200, body, blocks)


def test_a_sender_report_tells_the_senders_time_in_unix_nanoseconds() -> None:
    assert parse_rtcp(sender_report()) == [
        SenderReport(
            ssrc=0xAA,
            ntp_ns=UNIX_2020_NS + 500_000_000,
            rtp_timestamp=90_000,
            ntp_middle=(NTP_2020_S & 0xFFFF) << 16 | 0x8000,
            packet_count=7,
            octet_count=700,
        )
    ]


@pytest.mark.parametrize(
    ("seconds", "fraction", "ntp_ns"),
    [
        pytest.param(NTP_2020_S, 0, UNIX_2020_NS, id="a whole second"),
        pytest.param(NTP_2020_S, 0xFFFF_FFFF, UNIX_2020_NS + 10**9, id="rounded to the nearest"),
        pytest.param(1 << 31, 0, ((1 << 31) - 2_208_988_800) * 10**9, id="the era's second half begins"),
        pytest.param(0xFFFF_FFFF, 0, (0xFFFF_FFFF - 2_208_988_800) * 10**9, id="the last second of the era"),
        pytest.param(0, 1 << 31, ((1 << 32) - 2_208_988_800) * 10**9 + 5 * 10**8, id="February 2036"),
    ],
)
def test_ntp_time_is_converted_in_both_eras(seconds: int, fraction: int, ntp_ns: int) -> None:
    (report,) = parse_rtcp(sender_report(seconds, fraction))
    assert isinstance(report, SenderReport)
    assert report.ntp_ns == ntp_ns


def test_a_sender_without_a_clock_reports_nothing() -> None:
    assert parse_rtcp(sender_report(0, 0)) == []


def test_a_compound_is_read_in_order_and_other_types_are_skipped() -> None:
    other = packet(207, bytes(12), 31)
    compound = sender_report(blocks=2) + packet(202, bytes(8), 1) + other + packet(203, b"\0\0\0\xaa", 1)
    first, second = parse_rtcp(compound)
    assert isinstance(first, SenderReport)
    assert second == Goodbye((0xAA,))


@pytest.mark.parametrize(
    ("body", "count", "goodbye"),
    [
        pytest.param(struct.pack("!2I", 1, 2), 2, Goodbye((1, 2)), id="two sources"),
        pytest.param(b"", 0, Goodbye(()), id="none"),
        pytest.param(b"\0\0\0\x01\x03bye", 1, Goodbye((1,), "bye"), id="with a reason"),
        pytest.param(b"\0\0\0\x01\x02\xffe\0", 1, Goodbye((1,), "\ufffde"), id="a reason not in UTF-8"),
    ],
)
def test_a_goodbye_names_who_leaves(body: bytes, count: int, goodbye: Goodbye) -> None:
    assert parse_rtcp(packet(203, body, count)) == [goodbye]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "0 bytes", id="nothing"),
        pytest.param(b"\x80\xc9\x00", "3 bytes at 0, a header has 4", id="short"),
        pytest.param(b"\x40\xc9\x00\x00", "version 1 at 0, expected 2", id="version"),
        pytest.param(b"\x80\xc9\x00\x02abcd", "packet of 12 bytes at 0, 8 are there", id="cut off"),
        pytest.param(sender_report() + b"\x80", "1 bytes at 28, a header has 4", id="a tail"),
        pytest.param(packet(200, bytes(20)), "sender report of 20 bytes, its 0 blocks need 24", id="short SR"),
        pytest.param(packet(200, bytes(24), 1), "its 1 blocks need 48", id="an SR that lacks its block"),
        pytest.param(packet(203, bytes(4), 2), "goodbye of 4 bytes, its 2 sources need 8", id="short BYE"),
        pytest.param(packet(203, b"\x04abc"), "a reason of 4 bytes, 3 are there", id="a reason cut off"),
    ],
)
def test_what_is_malformed_is_refused_with_the_value_that_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(NotRtcpError, match=reason) as caught:
        parse_rtcp(data)
    assert str(caught.value).startswith("not an RTCP packet: ")
    assert isinstance(caught.value, RtpError)


@st.composite
def rtcp_like(draw: st.DrawFn) -> bytes:
    bodies = st.integers(0, 8).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words))
    packets = st.builds(packet, st.sampled_from([200, 201, 203, 206]), bodies, st.integers(0, 31))
    return b"".join(draw(st.lists(packets, max_size=4)))


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=40), rtcp_like()))
def test_arbitrary_bytes_are_reports_or_refused(data: bytes) -> None:
    try:
        reports = parse_rtcp(data)
    except NotRtcpError:
        return
    assert len(reports) <= len(data) // 4


def test_a_keyframe_request_is_a_legal_compound() -> None:
    compound = picture_loss_indication(0x0102_0304, 0x0A0B_0C0D)
    empty_report, name, request = compound[:8], compound[8:-12], compound[-12:]
    assert empty_report == bytes.fromhex("80c90001 01020304")
    assert name == bytes.fromhex("81ca0006 01020304") + b"\x01\x11onrecord-01020304\x00"
    assert request == bytes.fromhex("81ce0002 01020304 0a0b0c0d")
    assert is_rtcp(compound)
    assert parse_rtcp(compound) == []


def test_a_receiver_report_has_one_block_and_our_name() -> None:
    block = ReportBlock(64, cumulative_lost=3, extended_highest_sequence=0x1_0005, jitter=6, lsr=7, dlsr=8)
    compound = receiver_report(1, 2, block)
    assert compound[:8] == bytes.fromhex("81c90007 00000001")
    assert struct.unpack("!6I", compound[8:32]) == (2, 64 << 24 | 3, 0x1_0005, 6, 7, 8)
    assert compound[32:] == picture_loss_indication(1, 2)[8:-12]
    assert parse_rtcp(compound) == []


def told(cumulative_lost: int = 0, sequence: int = 0, jitter: int = 0, dlsr: int = 0) -> tuple[bytes, ...]:
    """Return the fields of a block after its SSRC, of 32 bits each."""
    report = receiver_report(1, 2, ReportBlock(255, cumulative_lost, sequence, jitter, dlsr=dlsr))
    return tuple(report[at : at + 4] for at in range(12, 32, 4))


@pytest.mark.parametrize(
    ("lost", "written"),
    [(-1, 0xFF_FFFF), (0x7F_FFFF, 0x7F_FFFF), (0x80_0000, 0x7F_FFFF), (-0x80_0000, 0x80_0000), (-(2**30), 0x80_0000)],
)
def test_the_cumulative_loss_is_signed_and_stays_at_its_bounds(lost: int, written: int) -> None:
    assert told(cumulative_lost=lost)[0] == b"\xff" + written.to_bytes(3, "big")


@pytest.mark.parametrize(("sequence", "written"), [(-1, 0xFFFF_FFFF), (1 << 32, 0)])
def test_an_unwrapped_sequence_is_reported_in_32_bits(sequence: int, written: int) -> None:
    assert told(sequence=sequence)[1] == written.to_bytes(4, "big")


@pytest.mark.parametrize("much", [2**32 - 1, 2**32])
def test_what_is_more_than_32_bits_hold_stays_at_their_bound(much: int) -> None:
    _, _, jitter, _, dlsr = told(jitter=much, dlsr=much)
    assert jitter == dlsr == b"\xff\xff\xff\xff"


# --- packets that are asked for once more


def asked_for(compound: bytes) -> list[int]:
    """Read a generic NACK as its receiver does."""
    request = compound[len(picture_loss_indication(1, 2)) - 12 :]
    (words,) = struct.unpack_from("!H", request, 2)
    assert request[:2] + request[4:12] == bytes.fromhex("81cd 00000001 00000002")
    assert len(request) == 4 * (words + 1)
    pairs = struct.iter_unpack("!HH", request[12:])
    return [first + bit & 0xFFFF for first, mask in pairs for bit in range(17) if (mask << 1 | 1) >> bit & 1]


def test_packets_are_asked_for_in_a_legal_compound() -> None:
    compound = generic_nack(1, 2, [10, 11, 26, 27, 0x1_0000])
    assert compound[:-24] == picture_loss_indication(1, 2)[:-12]
    assert compound[-24:] == bytes.fromhex("81cd0005 00000001 00000002 000a8001 001b0000 00000000")
    assert is_rtcp(compound)
    assert parse_rtcp(compound) == []


@given(st.sets(st.integers(0, 2**16 - 1), min_size=1, max_size=50), st.integers(-(2**17), 2**17))
def test_all_that_are_asked_for_are_named_once_also_over_a_wrap(lost: set[int], begin: int) -> None:
    sequences = sorted(begin + each % 2_000 for each in lost)
    unique = sorted(set(sequences))
    assert asked_for(generic_nack(1, 2, unique)) == [each & 0xFFFF for each in unique]
