"""AV1: whole temporal units, as files hold them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.frame import EncodedFrame, PictureFormat
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.av1 import Av1Picture
from services.recorder.media.payloads.av1_obu import Obu
from services.recorder.media.payloads.depacketizer import FrameCounters
from services.recorder.media.payloads.video import VideoDepacketizer
from services.recorder.media.rtp import RtpPacket
from tests.support import av1
from tests.support.av1 import FRAME, FRAME_HEADER, SEQUENCE_HEADER, TILE_GROUP
from tests.support.payloads import buffered, data, in_one, push_all, without

FRAME_TICKS = 3_000
KEY, DELTA, OTHER_DELTA, OTHER_KEY = (
    av1.keyframe(),
    av1.delta_frame(),
    av1.delta_frame(fill=0x11),
    av1.keyframe(fill=0x22),
)
HEADER, FRAME_OBU = map(av1.element, KEY)
DELIMITER, PADDING = b"\x10", b"\x78pad"
#: The keyframe in two payloads, of which the first ends within its frame.
PARTS = (av1.payload(HEADER, FRAME_OBU[:5], goes_on=True), av1.payload(FRAME_OBU[5:], continues=True))


def depacketizer_of_av1() -> VideoDepacketizer:
    return VideoDepacketizer("av1", Av1Picture)


def stream(*units: list[Obu]) -> list[list[BufferedPacket]]:
    """The packets of each temporal unit, in one run of sequence numbers."""
    packets: list[list[BufferedPacket]] = []
    sequence = 0
    for index, obus in enumerate(units):
        split = av1.packetize(obus, timestamp=index * FRAME_TICKS, sequence=sequence)
        sequence += len(split)
        packets.append([buffered(packet) for packet in split])
    return packets


def unit(*payloads: bytes, timestamp: int = 0) -> list[BufferedPacket]:
    last = len(payloads) - 1
    return [
        buffered(RtpPacket(96, n, timestamp, 1, marker=n == last, payload=payload))
        for n, payload in enumerate(payloads)
    ]


def frames_of(*payloads: bytes) -> list[EncodedFrame]:
    """What is made of payloads of one temporal unit."""
    return push_all(depacketizer_of_av1(), unit(*payloads))


# --- whole temporal units


def test_a_keyframe_comes_whole_with_its_format_and_what_decoders_are_told() -> None:
    obus = av1.keyframe(1280, 721)
    depacketizer = depacketizer_of_av1()
    packets = av1.packetize(obus, timestamp=90, sequence=1, mtu=30)
    assert push_all(depacketizer, [buffered(p, arrival_ns=n) for n, p in enumerate(packets)]) == [
        EncodedFrame(
            kind="video",
            timestamp=90,
            first_arrival_ns=0,
            arrival_ns=2,
            keyframe=True,
            data=av1.unit(obus),
            format=PictureFormat("av1", 1280, 721, b"\x81\x08\x0e\x00" + obus[0].with_size()),
        )
    ]
    assert depacketizer.counters == FrameCounters(frames=1)


def test_a_delta_frame_has_no_format() -> None:
    (_, frame) = push_all(depacketizer_of_av1(), in_one(stream(KEY, DELTA)))
    assert (frame.data, frame.keyframe, frame.format) == (av1.unit(DELTA), False, None)


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([av1.payload(HEADER, FRAME_OBU)], id="two of two"),
        pytest.param([av1.payload(HEADER, FRAME_OBU, counted=False)], id="each with its length"),
        pytest.param([av1.payload(HEADER), av1.payload(FRAME_OBU)], id="one in each packet"),
        pytest.param([av1.payload(DELIMITER, HEADER, FRAME_OBU)], id="behind a delimiter"),
        pytest.param([av1.payload(HEADER, PADDING, FRAME_OBU)], id="with padding"),
        pytest.param([av1.payload(HEADER, b"\x40tiles", FRAME_OBU)], id="with a tile list"),
        pytest.param([av1.payload(KEY[0].with_size(), KEY[1].with_size())], id="OBUs with their sizes"),
        pytest.param([b"\x28" + av1.payload(HEADER, FRAME_OBU)[1:]], id="the first of its sequence"),
        pytest.param(
            [
                av1.payload(HEADER, FRAME_OBU[:5], goes_on=True),
                av1.payload(FRAME_OBU[5:9], continues=True, goes_on=True),
                av1.payload(FRAME_OBU[9:], PADDING, continues=True),
            ],
            id="in parts",
        ),
        pytest.param([b"\x67" + PARTS[0][1:], b"\x97" + PARTS[1][1:]], id="with reserved bits"),
        pytest.param(
            [
                av1.payload(HEADER, FRAME_OBU[:5], goes_on=True, counted=False),
                av1.payload(FRAME_OBU[5:], continues=True, counted=False),
            ],
            id="in parts with their lengths",
        ),
    ],
)
def test_however_obus_are_sent_they_are_the_same_unit(payloads: list[bytes]) -> None:
    assert data(frames_of(*payloads)) == [av1.unit(KEY)]


def test_what_tells_of_layers_stays() -> None:
    base, upper = Obu(FRAME, b"\x00", b"\x10base"), Obu(FRAME, b"\x08", b"\x30upper")
    obus = [KEY[0], base, upper]
    (frame,) = frames_of(av1.payload(*map(av1.element, obus[:2])), av1.payload(av1.element(upper)))
    assert frame.data == av1.unit(obus)


def test_a_frame_header_and_its_tiles_may_be_apart() -> None:
    obus = [KEY[0], Obu(FRAME_HEADER, b"", b"\x10"), Obu(TILE_GROUP, b"", b"tiles")]
    (frame,) = frames_of(av1.payload(*map(av1.element, obus)))
    assert (frame.data, frame.keyframe) == (av1.unit(obus), True)


def test_of_several_sequence_headers_the_largest_tells_the_size_and_the_first_is_told() -> None:
    wide, large = (Obu(SEQUENCE_HEADER, b"", av1.sequence_header(*size)) for size in [(900, 10), (640, 480)])
    (frame,) = frames_of(av1.payload(*map(av1.element, [wide, large, KEY[1]])))
    assert frame.format == PictureFormat("av1", 640, 480, b"\x81\x08\x0e\x00" + wide.with_size())


# --- never a broken picture


def test_nothing_comes_before_a_keyframe() -> None:
    depacketizer = depacketizer_of_av1()
    assert data(push_all(depacketizer, in_one(stream(DELTA, KEY)))) == [av1.unit(KEY)]
    assert depacketizer.counters == FrameCounters(frames=1, dropped=1)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"\x30", id="an inter frame"),
        pytest.param(b"\x50", id="an intra-only frame"),
        pytest.param(b"\x00", id="a keyframe that is not shown"),
        pytest.param(b"\x80", id="an earlier frame that is shown"),
        pytest.param(b"", id="no header"),
    ],
)
def test_a_sequence_header_alone_makes_no_keyframe(first: bytes) -> None:
    frame = Obu(FRAME, b"", first)
    depacketizer = depacketizer_of_av1()
    assert push_all(depacketizer, in_one(stream([KEY[0], frame]))) == []
    assert depacketizer.needs_keyframe
    (_, passed) = push_all(depacketizer_of_av1(), in_one(stream(KEY, [KEY[0], frame])))
    assert (passed.keyframe, passed.format) == (False, None)


def test_a_keyframe_without_a_sequence_header_is_none() -> None:
    assert push_all(depacketizer_of_av1(), in_one(stream(KEY[1:]))) == []


@pytest.mark.parametrize("lost", range(2))
def test_a_loss_drops_the_unit_and_what_builds_on_it(lost: int) -> None:
    packets = stream(KEY, DELTA, OTHER_DELTA, OTHER_KEY, DELTA)
    depacketizer = depacketizer_of_av1()
    arrived = without(in_one(packets), {len(packets[0]) + lost})
    assert data(push_all(depacketizer, arrived)) == [av1.unit(obus) for obus in (KEY, OTHER_KEY, DELTA)]
    assert depacketizer.counters == FrameCounters(frames=3, dropped=2)


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([av1.payload(HEADER, FRAME_OBU, continues=True)], id="no beginning"),
        pytest.param([av1.payload(HEADER, FRAME_OBU, goes_on=True)], id="no end"),
        pytest.param([av1.payload(HEADER, FRAME_OBU[:5], goes_on=True), av1.payload(FRAME_OBU)], id="no continuation"),
        pytest.param([PARTS[0], b"\x90", PARTS[1]], id="no element in between"),
        pytest.param([PARTS[0], av1.payload(PADDING), PARTS[1]], id="something else in between"),
        pytest.param([av1.payload(HEADER)], id="no frame"),
        pytest.param([av1.payload(DELIMITER)], id="a delimiter alone"),
        pytest.param([b"\x10"], id="no element"),
        pytest.param([b"\x30" + av1.payload(HEADER, FRAME_OBU, counted=False)[1:]], id="two of three elements"),
        pytest.param([b"\x20\x01\x10\x01\x10" + FRAME_OBU], id="an element that is no OBU"),
        pytest.param([b"\x00\x80"], id="half a length"),
        pytest.param([av1.payload(HEADER, FRAME_OBU, counted=False)[:-1]], id="less than its length"),
        pytest.param([b"\x00" + b"\x80" * 8 + b"\x00"], id="a length of nine bytes"),
        pytest.param([av1.payload(HEADER, b"", FRAME_OBU)], id="an empty element"),
        pytest.param([av1.payload(b"", HEADER, FRAME_OBU)], id="an empty element at first"),
        pytest.param([av1.payload(HEADER, b"\x80" + FRAME_OBU)], id="the forbidden bit"),
        pytest.param([av1.payload(HEADER[:4], FRAME_OBU)], id="a sequence header that is cut off"),
        pytest.param([av1.payload(HEADER, HEADER[:4], FRAME_OBU)], id="a second one that is cut off"),
        pytest.param([av1.payload(HEADER, *[b"\x78"] * 511, FRAME_OBU, counted=False)], id="513 OBUs"),
    ],
)
def test_a_malformed_unit_is_dropped(payloads: list[bytes]) -> None:
    depacketizer = depacketizer_of_av1()
    delta = unit(av1.payload(*map(av1.element, DELTA)), timestamp=77)
    assert push_all(depacketizer, [*unit(*payloads), *delta]) == []
    assert depacketizer.counters == FrameCounters(dropped=2)


def test_a_malformed_delta_unit_is_dropped_too() -> None:
    depacketizer = depacketizer_of_av1()
    (key,) = stream(KEY)
    cut = unit(av1.payload(HEADER[:4], av1.element(DELTA[0])), timestamp=77)
    assert data(push_all(depacketizer, [*key, *cut])) == [av1.unit(KEY)]
    assert depacketizer.needs_keyframe


def test_512_obus_are_a_unit() -> None:
    many = [HEADER, *[b"\x78"] * 510, FRAME_OBU]
    assert data(frames_of(av1.payload(*many, counted=False))) == [av1.unit(KEY)]


def test_a_unit_that_claims_more_than_16_megapixels_is_dropped() -> None:
    depacketizer = depacketizer_of_av1()
    largest, absurd = av1.keyframe(4096, 4096), av1.keyframe(4097, 4096)
    out = push_all(depacketizer, in_one(stream(absurd, DELTA, largest, DELTA)))
    assert data(out) == [av1.unit(largest), av1.unit(DELTA)]
    assert depacketizer.counters == FrameCounters(frames=2, dropped=2, oversized=1)


units_of_any_kind = st.lists(
    st.builds(
        lambda size, *, is_key: av1.keyframe(size=size) if is_key else av1.delta_frame(size),
        st.integers(1, 40),
        is_key=st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=150)
@given(units_of_any_kind, st.sets(st.integers(0, 60), max_size=6))
def test_whatever_is_lost_only_whole_units_come_each_after_its_predecessor(
    units: list[list[Obu]], lost: set[int]
) -> None:
    packets = stream(*units)
    out = push_all(depacketizer_of_av1(), without(in_one(packets), lost))
    expected: list[int] = []  # by the definition: whole, and a keyframe or right after one that is expected
    for index, split in enumerate(packets):
        is_whole = not lost & {packet.sequence for packet in split}
        if is_whole and (len(units[index]) == 2 or index - 1 in expected):
            expected.append(index)
    assert [frame.timestamp // FRAME_TICKS for frame in out] == expected
    assert data(out) == [av1.unit(units[index]) for index in expected]
