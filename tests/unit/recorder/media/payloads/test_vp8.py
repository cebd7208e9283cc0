"""VP8, and what holds for every codec: only whole pictures come, each after the one that it builds on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.frame import EncodedFrame, PictureFormat
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters
from services.recorder.media.payloads.video import MAX_FRAME_BYTES, VideoDepacketizer
from services.recorder.media.payloads.vp8 import Vp8Picture
from services.recorder.media.rtp import RtpPacket
from tests.support import vp8
from tests.support.payloads import buffered, data, in_one, push_all, without

FRAME_TICKS = 3_000


def depacketizer_of_vp8() -> VideoDepacketizer:
    return VideoDepacketizer("vp8", Vp8Picture)


def stream(*frames: bytes) -> list[list[BufferedPacket]]:
    """The frames' packets, those of each frame in a list, in one run of sequence numbers."""
    packets: list[list[BufferedPacket]] = []
    sequence = 0
    for index, frame in enumerate(frames):
        split = vp8.packetize(frame, timestamp=index * FRAME_TICKS, sequence=sequence)
        sequence += len(split)
        packets.append([buffered(packet) for packet in split])
    return packets


KEY, DELTA, OTHER_DELTA, OTHER_KEY = (
    vp8.keyframe(),
    vp8.delta_frame(),
    vp8.delta_frame(fill=0xCC),
    vp8.keyframe(fill=0xDD),
)


# --- whole frames


def test_a_keyframe_comes_whole_with_its_size() -> None:
    packets = vp8.packetize(vp8.keyframe(1280, 720, size=35), timestamp=90, sequence=1)
    depacketizer = depacketizer_of_vp8()
    frames = push_all(depacketizer, [buffered(p, arrival_ns=n) for n, p in enumerate(packets)])
    assert frames == [
        EncodedFrame(
            kind="video",
            timestamp=90,
            first_arrival_ns=0,
            arrival_ns=3,
            keyframe=True,
            data=vp8.keyframe(1280, 720, size=35),
            format=PictureFormat("vp8", 1280, 720),
        )
    ]
    assert depacketizer.counters == FrameCounters(frames=1)


def test_a_delta_frame_has_no_format() -> None:
    (_, frame) = push_all(depacketizer_of_vp8(), in_one(stream(KEY, DELTA)))
    assert (frame.keyframe, frame.format) == (False, None)
    assert (frame.data, frame.timestamp) == (DELTA, FRAME_TICKS)


def test_the_arrivals_are_the_earliest_and_the_latest_of_the_frame_in_any_order() -> None:
    packets = vp8.packetize(vp8.keyframe(size=30), timestamp=0, sequence=1)
    arrivals = (20, 10, 15)
    shuffled = [buffered(p, arrival_ns=at) for p, at in zip(packets, arrivals, strict=True)]
    (frame,) = push_all(depacketizer_of_vp8(), shuffled)
    assert (frame.first_arrival_ns, frame.arrival_ns) == (10, 20)


@pytest.mark.parametrize("size", [(16_383, 1), (1, 16_383), (1024, 16_383)])
def test_the_scaling_bits_are_no_part_of_the_size(size: tuple[int, int]) -> None:
    (frame,) = push_all(depacketizer_of_vp8(), stream(vp8.keyframe(*size))[0])
    assert frame.format == PictureFormat("vp8", *size)


def test_a_keyframe_that_claims_more_than_16_megapixels_is_dropped_with_what_builds_on_it() -> None:
    """Seen to fail: forty bytes made whoever decoded the file take 800 MB."""
    depacketizer = depacketizer_of_vp8()
    largest, absurd = vp8.keyframe(4096, 4096), vp8.keyframe(4097, 4096)
    assert data(push_all(depacketizer, in_one(stream(absurd, DELTA, largest, DELTA)))) == [largest, DELTA]
    assert depacketizer.counters == FrameCounters(frames=2, dropped=2, oversized=1)


def test_after_a_keyframe_of_absurd_size_another_one_is_needed() -> None:
    depacketizer = depacketizer_of_vp8()
    push_all(depacketizer, in_one(stream(KEY, vp8.keyframe(16_383, 16_383))))
    assert depacketizer.needs_keyframe


@pytest.mark.parametrize(
    "descriptor",
    [
        pytest.param("10", id="least"),
        pytest.param("30", id="N"),
        pytest.param("58", id="reserved bits"),
        pytest.param("9000", id="X alone"),
        pytest.param("908011", id="7-bit PictureID"),
        pytest.param("90809122", id="15-bit PictureID"),
        pytest.param("904033", id="TL0PICIDX"),
        pytest.param("902044", id="TID"),
        pytest.param("901055", id="KEYIDX"),
        pytest.param("903066", id="TID and KEYIDX in one byte"),
        pytest.param("90f0912233a6", id="all"),
        pytest.param("90ff7f33a6", id="all with a 7-bit PictureID and reserved bits"),
    ],
)
def test_the_payload_descriptor_is_no_part_of_the_frame(descriptor: str) -> None:
    packet = RtpPacket(96, 1, 0, vp8.SSRC, marker=True, payload=bytes.fromhex(descriptor) + KEY)
    assert data(push_all(depacketizer_of_vp8(), [buffered(packet)])) == [KEY]


def test_a_later_partition_does_not_begin_a_frame() -> None:
    first, second = bytes.fromhex("10") + KEY, bytes.fromhex("11") + b"partition 1"
    packets = [RtpPacket(96, n, 0, vp8.SSRC, marker=bool(n), payload=part) for n, part in enumerate((first, second))]
    assert data(push_all(depacketizer_of_vp8(), map(buffered, packets))) == [KEY + b"partition 1"]


def test_a_bandwidth_probe_disturbs_no_frame() -> None:
    first, *rest = stream(KEY)[0]
    probe = buffered(RtpPacket(96, 9, 77, vp8.SSRC, marker=False, payload=b""))
    assert data(push_all(depacketizer_of_vp8(), [first, probe, *rest])) == [KEY]


# --- never a broken frame


def test_nothing_comes_before_a_keyframe() -> None:
    depacketizer = depacketizer_of_vp8()
    assert depacketizer.needs_keyframe
    assert data(push_all(depacketizer, in_one(stream(DELTA, DELTA, KEY)))) == [KEY]
    assert not depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(frames=1, dropped=2)


def test_a_keyframe_is_needed_until_it_is_whole() -> None:
    depacketizer = depacketizer_of_vp8()
    *first, last = stream(KEY)[0]
    push_all(depacketizer, first)
    assert depacketizer.needs_keyframe
    depacketizer.push(last)
    assert not depacketizer.needs_keyframe


@pytest.mark.parametrize(
    ("lost", "dropped"),
    [
        pytest.param({4}, 2, id="first packet of a frame"),
        pytest.param({5}, 2, id="last packet of a frame"),
        pytest.param({4, 5}, 1, id="a whole frame"),
        pytest.param({5, 6}, 2, id="the end of one and the beginning of the next"),
    ],
)
def test_after_a_loss_nothing_comes_until_a_keyframe(lost: set[int], dropped: int) -> None:
    packets = in_one(stream(KEY, DELTA, OTHER_DELTA, OTHER_KEY, DELTA))
    depacketizer = depacketizer_of_vp8()
    assert data(push_all(depacketizer, without(packets, lost))) == [KEY, OTHER_KEY, DELTA]
    assert depacketizer.counters == FrameCounters(frames=3, dropped=dropped)


def test_a_loss_in_the_middle_of_a_frame_drops_it() -> None:
    packets = in_one(stream(KEY, vp8.delta_frame(size=50), OTHER_DELTA))
    depacketizer = depacketizer_of_vp8()
    assert data(push_all(depacketizer, without(packets, {6}))) == [KEY]
    assert depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(frames=1, dropped=2)


def test_a_keyframe_right_after_a_loss_is_taken() -> None:
    packets = in_one(stream(KEY, DELTA, OTHER_KEY))
    assert data(push_all(depacketizer_of_vp8(), without(packets, {4, 5}))) == [KEY, OTHER_KEY]


def test_a_loss_that_a_bandwidth_probe_tells_is_a_loss() -> None:
    depacketizer = depacketizer_of_vp8()
    push_all(depacketizer, stream(KEY)[0])
    depacketizer.push(buffered(RtpPacket(96, 9, 0, vp8.SSRC, marker=False, payload=b""), lost_before=1))
    assert depacketizer.needs_keyframe


def test_a_frame_without_its_marker_is_dropped_when_the_next_begins() -> None:
    key, delta, other_delta, other_key = stream(KEY, DELTA, OTHER_DELTA, OTHER_KEY)
    depacketizer = depacketizer_of_vp8()
    unmarked = [*key, *delta[:-1], *other_delta, *other_key]
    assert data(push_all(depacketizer, unmarked)) == [KEY, OTHER_KEY]
    assert depacketizer.counters == FrameCounters(frames=2, dropped=2)


def test_a_frame_without_its_beginning_is_dropped_even_if_no_loss_is_told() -> None:
    key, delta, other_delta = stream(KEY, DELTA, OTHER_DELTA)
    depacketizer = depacketizer_of_vp8()
    assert data(push_all(depacketizer, [*key, *delta[1:], *other_delta])) == [KEY]
    assert depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(frames=1, dropped=2)


def test_a_frame_that_goes_on_under_another_timestamp_is_dropped() -> None:
    first, second, *rest = stream(KEY)[0]
    odd = buffered(RtpPacket(96, 1, 77, vp8.SSRC, marker=False, payload=second.packet.payload))
    assert push_all(depacketizer_of_vp8(), [first, odd, *rest]) == []


def test_a_packet_after_its_frames_marker_breaks_what_follows() -> None:
    key, delta = stream(KEY, DELTA)
    tail = buffered(RtpPacket(96, 5, 0, vp8.SSRC, marker=False, payload=b"\x00more"))
    depacketizer = depacketizer_of_vp8()
    assert data(push_all(depacketizer, [*key, tail, *delta])) == [KEY]
    assert depacketizer.needs_keyframe


@pytest.mark.parametrize("payload", ["90", "9080", "908081", "9080ff00", "90f0ff003300", "10"])
def test_a_packet_that_ends_within_its_descriptor_drops_its_frame(payload: str) -> None:
    key, (first, *_), other_delta = stream(KEY, DELTA, OTHER_DELTA)
    cut = buffered(RtpPacket(96, 5, FRAME_TICKS, vp8.SSRC, marker=True, payload=bytes.fromhex(payload)))
    depacketizer = depacketizer_of_vp8()
    assert data(push_all(depacketizer, [*key, first, cut, *other_delta])) == [KEY]
    assert depacketizer.counters == FrameCounters(frames=1, dropped=2)


def test_a_malformed_packet_by_itself_is_a_dropped_frame() -> None:
    depacketizer = depacketizer_of_vp8()
    push_all(depacketizer, stream(KEY)[0])
    depacketizer.push(buffered(RtpPacket(96, 5, 77, vp8.SSRC, marker=True, payload=b"\x10")))
    assert depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(frames=1, dropped=1)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(KEY[:9], id="header cut off"),
        pytest.param(KEY.replace(b"\x9d\x01\x2a", b"\x9d\x01\x2b"), id="wrong start code"),
        pytest.param(vp8.keyframe(width=0), id="no width"),
        pytest.param(vp8.keyframe(height=0), id="no height"),
    ],
)
def test_a_keyframe_with_a_malformed_header_is_dropped(frame: bytes) -> None:
    depacketizer = depacketizer_of_vp8()
    assert push_all(depacketizer, in_one(stream(frame, DELTA))) == []
    assert depacketizer.needs_keyframe
    assert depacketizer.counters == FrameCounters(dropped=2)


def test_a_frame_that_never_ends_does_not_fill_the_memory() -> None:
    depacketizer = depacketizer_of_vp8()
    part = b"\x10" + KEY.ljust(MAX_FRAME_BYTES // 2 + 1, b"\0")
    begin = RtpPacket(96, 1, 0, vp8.SSRC, marker=False, payload=part)
    end = RtpPacket(96, 2, 0, vp8.SSRC, marker=True, payload=b"\x00" + part[1:])
    assert push_all(depacketizer, [buffered(begin), buffered(end)]) == []
    assert depacketizer.counters == FrameCounters(dropped=1)


def test_a_restart_waits_for_a_keyframe_anew() -> None:
    (key, delta) = stream(KEY, DELTA)
    depacketizer = depacketizer_of_vp8()
    push_all(depacketizer, key)
    first = buffered(delta[0].packet, restarted=True)
    assert push_all(depacketizer, [first, *delta[1:]]) == []
    assert depacketizer.needs_keyframe


def test_a_restart_drops_the_open_frame_and_takes_the_new_ones_of_the_same_timestamp() -> None:
    packets = stream(KEY)[0]
    depacketizer = depacketizer_of_vp8()
    push_all(depacketizer, packets[:2])
    again = [buffered(packets[0].packet, restarted=True), *packets[1:]]
    assert data(push_all(depacketizer, again)) == [KEY]
    assert depacketizer.counters == FrameCounters(frames=1, dropped=1)


frames_of_any_kind = st.lists(
    st.builds(
        lambda size, fill, *, is_key: vp8.keyframe(size=size, fill=fill) if is_key else vp8.delta_frame(size),
        st.integers(10, 60),
        st.integers(0, 255),
        is_key=st.booleans(),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=150)
@given(frames_of_any_kind, st.sets(st.integers(0, 60), max_size=8))
def test_whatever_is_lost_only_whole_frames_come_each_after_its_predecessor(
    frames: list[bytes], lost: set[int]
) -> None:
    packets = stream(*frames)
    arrived = without(in_one(packets), lost)
    out = push_all(depacketizer := depacketizer_of_vp8(), arrived)
    whole = [n for n, split in enumerate(packets) if not lost & {packet.sequence for packet in split}]

    expected: list[int] = []  # by the definition: whole, and a keyframe or right after one that is expected
    for index in whole:
        if frames[index][0] == 0x10 or (expected and expected[-1] == index - 1):
            expected.append(index)
    assert [frame.timestamp // FRAME_TICKS for frame in out] == expected
    assert data(out) == [frames[index] for index in expected]
    seen = {packet.timestamp for packet in arrived}
    # of a last frame that lost its end, nobody can tell yet
    last = [split for split in packets if split[0].timestamp in seen][-1:]
    is_open = bool(last) and last[0][-1].sequence in lost
    total = depacketizer.counters.frames + depacketizer.counters.dropped
    assert len(seen) - is_open <= total <= len(seen)
