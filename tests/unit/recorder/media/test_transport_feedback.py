"""When packets came, as their sender is told."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.rtcp import parse_rtcp
from services.recorder.media.transport_feedback import TransportFeedback, transport_sequence

MS = 1_000_000
OURS, THEIRS = 7, 9
BEGIN = 1_800_000_000_000 * MS


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender reads of one feedback."""

    ssrcs: tuple[int, int]
    count: int
    #: By their numbers, in quarters of a millisecond since the reference time's origin; None: it did not come.
    arrivals: dict[int, int | None]


def read(compound: bytes) -> Told:
    """Read a compound as the draft's section 3.1 has it, its last packet alone."""
    assert parse_rtcp(compound) == []  # every packet has the length that it says
    at = 0
    while compound[at + 1] != 205:
        at += 4 * (struct.unpack_from("!H", compound, at + 2)[0] + 1)
    first, _, words, ours, theirs, base, status_count, about = struct.unpack_from("!BBHIIHHI", compound, at)
    assert first & 0x1F == 15
    body = compound[at + 20 : at + 4 * (words + 1)]
    symbols: list[int] = []
    while len(symbols) < status_count:
        (chunk,), body = struct.unpack_from("!H", body), body[2:]
        assert chunk >> 15 == 0
        symbols += [chunk >> 13] * (chunk & 0x1FFF)
    assert len(symbols) == status_count
    arrivals: dict[int, int | None] = {}
    moment = (about >> 8) * 256
    for number, symbol in enumerate(symbols, base):
        if symbol == 0:
            arrivals[number & 0xFFFF] = None
            continue
        delta, body = (body[0], body[1:]) if symbol == 1 else (struct.unpack_from("!h", body)[0], body[2:])
        moment += delta
        arrivals[number & 0xFFFF] = moment
    assert len(body) == (body[-1] if first & 0x20 else 0)
    return Told((ours, theirs), about & 0xFF, arrivals)


def moment(arrival_ns: int) -> int:
    """In quarters of a millisecond, within the 24 bits of reference time."""
    return arrival_ns // 250_000 % (1 << 32)


def told(feedback: TransportFeedback, *packets: tuple[int, int], at_ms: int = 1000) -> list[Told]:
    """Let packets come, by number and ms, and read what is told."""
    for sequence, arrival_ms in packets:
        feedback.came(sequence, BEGIN + arrival_ms * MS, THEIRS)
    return [read(each) for each in feedback.due(BEGIN + at_ms * MS)]


def test_each_packet_s_arrival_is_told_to_a_quarter_of_a_millisecond() -> None:
    (one,) = told(TransportFeedback(OURS), (10, 0), (11, 5), (12, 300))
    assert one.ssrcs == (OURS, THEIRS)
    assert one.arrivals == {n: moment(BEGIN + ms * MS) for n, ms in ((10, 0), (11, 5), (12, 300))}


def test_what_did_not_come_is_told_also_where_the_next_feedback_begins() -> None:
    feedback = TransportFeedback(OURS)
    (one,) = told(feedback, (10, 0), (12, 5))
    assert one.arrivals[11] is None
    (two,) = told(feedback, (15, 10), at_ms=2000)
    assert [number for number, arrival in two.arrivals.items() if arrival is None] == [13, 14]
    assert (one.count, two.count) == (0, 1)


def test_what_came_late_is_told_when_it_came() -> None:
    feedback = TransportFeedback(OURS)
    (one,) = told(feedback, (10, 0), (12, 20), (11, 30))
    assert one.arrivals == {n: moment(BEGIN + ms * MS) for n, ms in ((10, 0), (11, 30), (12, 20))}
    told(feedback, (14, 40), at_ms=2000)
    (late,) = told(feedback, (13, 90), at_ms=3000)
    assert late.arrivals == {13: moment(BEGIN + 90 * MS)}


def test_a_pause_that_no_delta_can_tell_begins_another_feedback() -> None:
    first, second = told(TransportFeedback(OURS), (10, 0), (11, 9000), at_ms=9500)
    assert first.arrivals == {10: moment(BEGIN)}
    assert second.arrivals == {11: moment(BEGIN + 9000 * MS)}


def test_it_is_told_ten_times_a_second_and_only_of_what_came() -> None:
    feedback = TransportFeedback(OURS)
    assert told(feedback) == []
    assert len(told(feedback, (10, 0), at_ms=1000)) == 1
    assert told(feedback, (11, 1010), at_ms=1099) == []
    assert list(told(feedback, at_ms=1100)[0].arrivals) == [11]


def test_numbers_wrap() -> None:
    (one,) = told(TransportFeedback(OURS), (65_535, 0), (0, 1), (1, 2))
    assert list(one.arrivals) == [65_535, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 60_000)), min_size=1, max_size=300))
def test_whatever_comes_what_is_told_is_bounded_and_true(packets: list[tuple[int, int]]) -> None:
    feedback = TransportFeedback(OURS)
    came: dict[int, set[int]] = {}
    for sequence, arrival_ms in packets:
        came.setdefault(sequence, set()).add(moment(BEGIN + arrival_ms * MS))
    for one in told(feedback, *packets, at_ms=100_000):
        assert len(one.arrivals) <= 2000
        for number, arrival in one.arrivals.items():
            assert arrival is None or arrival in came[number]


# --- where the number is


def rtp(extension: bytes, profile: int, csrcs: int = 0) -> bytes:
    padded = extension + bytes(-len(extension) % 4)
    header = bytes([0x90 | csrcs, 96, 0, 1, *bytes(8 + 4 * csrcs)])
    return header + struct.pack("!HH", profile, len(padded) // 4) + padded + b"payload"


@pytest.mark.parametrize(
    "packet",
    [
        rtp(b"\x31\x12\x34", 0xBEDE),
        rtp(b"\x10\xff\x00\x31\x12\x34", 0xBEDE, csrcs=2),
        rtp(b"\x03\x02\x12\x34", 0x1000),
        rtp(b"\x05\x00\x00\x03\x02\x12\x34", 0x1000),
    ],
    ids=["one byte", "after another and padding", "two bytes", "after an empty one"],
)
def test_a_packet_s_number_is_in_its_header_extension(packet: bytes) -> None:
    assert transport_sequence(packet, 3) == 0x1234


@pytest.mark.parametrize(
    "packet",
    [
        bytes([0x80, 96, *bytes(10)]),
        rtp(b"\x41\x12\x34", 0xBEDE),
        rtp(b"\x30\x12", 0xBEDE),
        rtp(b"\xf1\x00\x00\x31\x12\x34", 0xBEDE),
        rtp(b"\x31\x12\x34", 0x4711),
        bytes([0x90, 96, *bytes(10)]),
        bytes([0x90, 96, *bytes(10), 0xBE, 0xDE, 0, 9, 0x31]),
        bytes([0x90, 96, *bytes(10), 0x10, 0x00, 0, 1, 0x03]),
    ],
)
def test_a_packet_without_it_has_no_number(packet: bytes) -> None:
    assert transport_sequence(packet, 3) is None


@given(st.binary(min_size=12, max_size=60))
def test_whatever_a_packet_is_its_number_is_read_or_it_has_none(packet: bytes) -> None:
    assert transport_sequence(packet, 3) in {None, *range(65_536)}
