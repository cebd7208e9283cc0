"""VP9: whole pictures with all their layers, of the size that they have."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.frame import EncodedFrame, PictureFormat
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters
from services.recorder.media.payloads.video import VideoDepacketizer
from services.recorder.media.payloads.vp9 import Vp9Picture
from services.recorder.media.payloads.vp9_bitstream import superframe
from services.recorder.media.rtp import RtpPacket
from tests.support import vp9
from tests.support.payloads import buffered, data, in_one, push_all, without

FRAME_TICKS = 3_000
KEY, DELTA, OTHER_DELTA, OTHER_KEY = (
    vp9.keyframe(),
    vp9.delta_frame(),
    vp9.delta_frame(fill=0x11),
    vp9.keyframe(fill=0x22),
)
#: Of three layers: the lowest is a keyframe, the others build on it.
LAYERS = [vp9.keyframe(320, 180), vp9.delta_frame(fill=0x33), vp9.delta_frame(fill=0x44)]
LAYER_SIZES = [(320, 180), (640, 360), (1280, 720)]


def depacketizer_of_vp9() -> VideoDepacketizer:
    return VideoDepacketizer("vp9", Vp9Picture)


def stream(*pictures: list[bytes]) -> list[list[BufferedPacket]]:
    """The pictures' packets, those of each in a list, in one run of sequence numbers."""
    packets: list[list[BufferedPacket]] = []
    sequence = 0
    for index, layers in enumerate(pictures):
        split = vp9.packetize(*layers, timestamp=index * FRAME_TICKS, sequence=sequence)
        sequence += len(split)
        packets.append([buffered(packet) for packet in split])
    return packets


def frames_of(*payloads: bytes) -> list[EncodedFrame]:
    """What is made of payloads of one picture."""
    return push_all(depacketizer_of_vp9(), picture(*payloads))


def picture(*payloads: bytes, timestamp: int = 0) -> list[BufferedPacket]:
    last = len(payloads) - 1
    return [
        buffered(RtpPacket(96, n, timestamp, 1, marker=n == last, payload=payload))
        for n, payload in enumerate(payloads)
    ]


# --- whole pictures


def test_a_keyframe_comes_whole_with_its_format() -> None:
    packets = vp9.packetize(vp9.keyframe(1280, 721, size=35), timestamp=90, sequence=1)
    depacketizer = depacketizer_of_vp9()
    assert push_all(depacketizer, [buffered(p, arrival_ns=n) for n, p in enumerate(packets)]) == [
        EncodedFrame(
            kind="video",
            timestamp=90,
            first_arrival_ns=0,
            arrival_ns=3,
            keyframe=True,
            data=vp9.keyframe(1280, 721, size=35),
            format=PictureFormat("vp9", 1280, 721),
        )
    ]
    assert depacketizer.counters == FrameCounters(frames=1)


def test_a_delta_frame_has_no_format_even_if_it_changes_the_size() -> None:
    smaller = vp9.delta_frame(claims=(320, 240))
    frames = push_all(depacketizer_of_vp9(), in_one(stream([KEY], [DELTA], [smaller])))
    assert data(frames) == [KEY, DELTA, smaller]
    assert [(frame.keyframe, frame.format) for frame in frames[1:]] == [(False, None)] * 2


@pytest.mark.parametrize(
    "descriptor",
    [
        pytest.param("0c", id="least"),
        pytest.param("0d", id="Z"),
        pytest.param("8c11", id="7-bit picture ID"),
        pytest.param("8c9122", id="15-bit picture ID"),
        pytest.param("ac110055", id="layer indices and TL0PICIDX"),
        pytest.param("ad110055", id="layer indices and Z"),
        pytest.param("bc1100", id="layer indices in flexible mode"),
        pytest.param("cc11", id="P in non-flexible mode"),
        pytest.param("9c11", id="flexible mode, no reference"),
        pytest.param("dc1102", id="one reference"),
        pytest.param("dd1102", id="one reference and Z"),
        pytest.param("dc11030506", id="three references"),
        pytest.param("dc11030507", id="three references, of which the last says that another one follows"),
        pytest.param("8e1100", id="structure that says nothing"),
        pytest.param("8e1110028001e0", id="structure with a size"),
        pytest.param("8e1130014000b4028001e0", id="structure with two sizes"),
        pytest.param("8e1101", id="structure that says nothing but a reserved bit"),
        pytest.param("8e110800", id="structure with an empty picture group"),
        pytest.param("8e11080204010c010203", id="structure with a picture group"),
        pytest.param("fe9122000238014000b4028001e0010401", id="all"),
    ],
)
def test_the_payload_descriptor_is_no_part_of_the_frame(descriptor: str) -> None:
    assert data(frames_of(bytes.fromhex(descriptor) + KEY)) == [KEY]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("0c", id="nothing behind it"),
        pytest.param("8c", id="no picture ID"),
        pytest.param("8c91", id="half a picture ID"),
        pytest.param("ac11", id="no layer indices"),
        pytest.param("ac1100", id="no TL0PICIDX"),
        pytest.param("dc1103", id="no second reference"),
        pytest.param("8e11", id="no structure"),
        pytest.param("8e11100280", id="half a size"),
        pytest.param("8e1108", id="no number of pictures"),
        pytest.param("8e110802", id="no pictures"),
        pytest.param("8e1108010c0102", id="two of three references"),
    ],
)
def test_a_packet_that_ends_within_its_descriptor_drops_its_picture(payload: str) -> None:
    depacketizer = depacketizer_of_vp9()
    (key,) = stream([KEY])
    assert data(push_all(depacketizer, [*key, *picture(bytes.fromhex(payload), timestamp=77)])) == [KEY]
    assert depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(frames=1, dropped=1)


def test_a_frame_that_no_upper_layer_needs_may_come_in_several_payloads() -> None:
    assert data(frames_of(b"\x09" + KEY[:20], b"\x01" + KEY[20:30], b"\x05" + KEY[30:])) == [KEY]


def test_what_the_bitstream_says_counts_and_not_the_descriptor() -> None:
    predicted, intra = b"\x4c", b"\x0c"
    depacketizer = depacketizer_of_vp9()
    assert push_all(depacketizer, picture(intra + DELTA)) == []
    assert data(push_all(depacketizer, picture(predicted + KEY, timestamp=77))) == [KEY]


# --- layers


def test_the_layers_of_a_picture_are_one_superframe() -> None:
    depacketizer = depacketizer_of_vp9()
    upper = [vp9.delta_frame(fill=fill) for fill in (0x55, 0x66, 0x77)]
    key, delta = push_all(depacketizer, in_one(stream(LAYERS, upper)))
    assert key.data == b"".join(LAYERS) + b"\xc2\x28\x14\x14\xc2"
    assert delta.data == superframe(upper)
    assert (key.keyframe, delta.keyframe) == (True, False)
    assert depacketizer.counters == FrameCounters(frames=2)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_picture_is_as_large_as_its_largest_layer_that_came(layers: int) -> None:
    """An SFU may keep layers back; the structure tells of them all the same."""
    declares = vp9.structure(*LAYER_SIZES)
    packets = vp9.packetize(*LAYERS[:layers], timestamp=0, sequence=0, declares=declares)
    (frame,) = push_all(depacketizer_of_vp9(), map(buffered, packets))
    assert frame.format == PictureFormat("vp9", *LAYER_SIZES[layers - 1])


def test_without_a_structure_a_picture_is_as_large_as_its_frames_say() -> None:
    (frame,) = push_all(depacketizer_of_vp9(), stream([LAYERS[0], vp9.delta_frame(claims=(640, 360)), LAYERS[2]])[0])
    assert frame.format == PictureFormat("vp9", 640, 360)


def test_a_structure_without_the_layer_that_came_says_nothing() -> None:
    packets = vp9.packetize(*LAYERS, timestamp=0, sequence=0, declares=vp9.structure((999, 999)))
    (frame,) = push_all(depacketizer_of_vp9(), map(buffered, packets))
    assert frame.format == PictureFormat("vp9", 320, 180)


def test_the_upper_layer_alone_is_a_picture() -> None:
    """So it is behind an SFU that leaves out what the upper layer does not need."""
    key, both = stream(LAYERS, [DELTA, OTHER_DELTA])
    upper = both[len(both) // 2 :]
    assert data(push_all(depacketizer_of_vp9(), [*key, *upper]))[1:] == [OTHER_DELTA]


def test_frames_that_came_as_a_superframe_stay_as_they_are() -> None:
    hidden_and_shown = superframe([KEY, vp9.delta_frame(size=300)])
    assert data(frames_of(b"\x0c" + hidden_and_shown)) == [hidden_and_shown]


def test_a_superframe_within_a_layer_is_dissolved() -> None:
    packets = vp9.packetize(superframe([KEY, DELTA]), OTHER_DELTA, timestamp=0, sequence=0, mtu=100)
    assert data(push_all(depacketizer_of_vp9(), map(buffered, packets))) == [superframe([KEY, DELTA, OTHER_DELTA])]


# --- never a broken picture


def test_nothing_comes_before_a_keyframe() -> None:
    depacketizer = depacketizer_of_vp9()
    assert data(push_all(depacketizer, in_one(stream([DELTA], [KEY])))) == [KEY]
    assert depacketizer.counters == FrameCounters(frames=1, dropped=1)


@pytest.mark.parametrize("lost", range(8))
def test_a_loss_in_any_layer_drops_the_picture_and_what_builds_on_it(lost: int) -> None:
    key, *others = stream([KEY], LAYERS, [DELTA], [OTHER_KEY], [DELTA])
    arrived = without(in_one([key, *others]), {len(key) + lost})
    depacketizer = depacketizer_of_vp9()
    assert data(push_all(depacketizer, arrived)) == [KEY, OTHER_KEY, DELTA]
    assert depacketizer.counters == FrameCounters(frames=3, dropped=2)


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([b"\x08" + KEY, b"\x0c" + DELTA], id="a layer begins before the last one has ended"),
        pytest.param([b"\x0c" + KEY, b"\x04" + DELTA], id="a layer goes on after its end"),
        pytest.param([b"\x08" + KEY, b"\x00" + DELTA], id="no end"),
        pytest.param([b"\x04" + KEY], id="no beginning"),
        pytest.param([b"\x08" + KEY, b"\x04"], id="an end of nothing"),
        pytest.param([b"\x0c" + KEY] + [b"\x0c" + DELTA] * 8, id="nine layers"),
        pytest.param([b"\x0c\x00"], id="no header"),
        pytest.param([b"\x0c" + KEY, b"\x0c\x00"], id="no header in a layer"),
        pytest.param([b"\x0c" + KEY + b"\xc0\xff\xc0"], id="wrong index"),
        pytest.param([b"\x0c" + KEY, b"\x0c" + DELTA + b"\xc0\xff\xc0"], id="wrong index in a layer"),
        pytest.param([b"\x0c" + superframe([KEY, b"no frame"])], id="no header in a superframe"),
        pytest.param([b"\x0c" + superframe([KEY] * 8), b"\x0c" + DELTA], id="nine frames"),
    ],
)
def test_a_malformed_picture_is_dropped(payloads: list[bytes]) -> None:
    depacketizer = depacketizer_of_vp9()
    assert push_all(depacketizer, [*picture(*payloads), *picture(b"\x0c" + DELTA, timestamp=77)]) == []
    assert depacketizer.counters == FrameCounters(dropped=2)


def test_eight_layers_are_a_picture() -> None:
    assert data(frames_of(b"\x0c" + KEY, *[b"\x0c" + DELTA] * 7)) == [superframe([KEY] + [DELTA] * 7)]


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([b"\x0c" + vp9.keyframe(4097, 4096)], id="a keyframe"),
        pytest.param([b"\x0c" + KEY, b"\x0c" + vp9.delta_frame(claims=(4097, 4096))], id="an upper layer"),
        pytest.param([b"\x0e\x10\x10\x01\x10\x00" + KEY], id="a structure"),
        pytest.param([b"\x0c" + superframe([KEY, vp9.delta_frame(claims=(65_536, 65_536))])], id="a hidden frame"),
    ],
)
def test_a_picture_that_claims_more_than_16_megapixels_is_dropped(payloads: list[bytes]) -> None:
    depacketizer = depacketizer_of_vp9()
    assert push_all(depacketizer, picture(*payloads)) == []
    assert depacketizer.counters == FrameCounters(dropped=1, oversized=1)


def test_a_delta_frame_that_claims_more_than_16_megapixels_is_dropped() -> None:
    depacketizer = depacketizer_of_vp9()
    absurd = vp9.delta_frame(claims=(65_536, 65_536))
    assert data(push_all(depacketizer, in_one(stream([vp9.keyframe(4096, 4096)], [absurd], [DELTA])))) == [
        vp9.keyframe(4096, 4096)
    ]
    assert depacketizer.counters == FrameCounters(frames=1, dropped=2, oversized=1)


layers_of_any_kind = st.lists(
    st.lists(st.integers(9, 40), min_size=1, max_size=3).flatmap(
        lambda sizes: st.booleans().map(
            lambda is_key: [
                vp9.keyframe(size=size) if is_key and not layer else vp9.delta_frame(size)
                for layer, size in enumerate(sizes)
            ]
        )
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=150)
@given(layers_of_any_kind, st.sets(st.integers(0, 60), max_size=6))
def test_whatever_is_lost_only_whole_pictures_come_each_after_its_predecessor(
    pictures: list[list[bytes]], lost: set[int]
) -> None:
    packets = stream(*pictures)
    out = push_all(depacketizer_of_vp9(), without(in_one(packets), lost))
    expected: list[int] = []  # by the definition: whole, and a keyframe or right after one that is expected
    for index, split in enumerate(packets):
        is_whole = not lost & {packet.sequence for packet in split}
        if is_whole and (pictures[index][0] == vp9.keyframe(size=len(pictures[index][0])) or index - 1 in expected):
            expected.append(index)
    assert [frame.timestamp // FRAME_TICKS for frame in out] == expected
    whole = [pictures[index] for index in expected]
    assert data(out) == [layers[0] if len(layers) == 1 else superframe(layers) for layers in whole]
