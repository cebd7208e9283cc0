"""Which codecs there are, and that no payload does any harm."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.depacketize import UnsupportedCodecError, depacketizer_for
from services.recorder.media.frame import Kind, VideoCodec
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.red import RedDepacketizer
from services.recorder.media.payloads.video import MAX_FRAME_BYTES
from services.recorder.media.rtp import RtpPacket
from tests.support import av1, vp8, vp9
from tests.support.payloads import buffered, push_all


@pytest.mark.parametrize("codec", ["VP8", "vp8"])
def test_a_codec_is_named_in_any_case(codec: str) -> None:
    assert depacketizer_for("video", codec).needs_keyframe


@pytest.mark.parametrize(
    ("kind", "codec", "accepted"),
    [
        ("video", "H264", "VP8 or VP9 or AV1"),
        ("video", "", "VP8 or VP9 or AV1"),
        ("video", "opus", "VP8 or VP9 or AV1"),
        ("audio", "PCMU", "opus"),
        ("audio", "VP8", "opus"),
    ],
)
def test_an_unsupported_codec_is_refused_with_those_that_are_accepted(kind: Kind, codec: str, accepted: str) -> None:
    with pytest.raises(UnsupportedCodecError, match=f"^codec '{codec}' is not supported for {kind}: send {accepted}$"):
        depacketizer_for(kind, codec)


@pytest.mark.parametrize(
    ("codec", "packets"),
    [
        ("vp8", vp8.packetize(vp8.keyframe(320, 180), timestamp=0, sequence=0)),
        ("vp9", vp9.packetize(vp9.keyframe(320, 180), timestamp=0, sequence=0)),
        ("av1", av1.packetize(av1.keyframe(320, 180), timestamp=0, sequence=0)),
    ],
)
def test_each_codec_is_that_of_its_pictures(codec: VideoCodec, packets: list[RtpPacket]) -> None:
    (whole,) = push_all(depacketizer_for("video", codec), map(buffered, packets))
    assert whole.format is not None
    assert (whole.format.codec, whole.format.width, whole.format.height) == (codec, 320, 180)


#: How payloads begin that are not refused at their first byte: VP8, VP9 of one and of several layers, AV1, Opus.
BEGINNINGS = [
    b"\x10\x10",
    b"\x10" + vp8.keyframe(),
    b"\x0c" + vp9.keyframe(),
    b"\xae\x11\x00\x55\x38" + vp9.keyframe()[:4],
    av1.payload(*map(av1.element, av1.keyframe())),
    av1.payload(av1.element(av1.keyframe()[0]), b"\x30", goes_on=True),
    b"\xfb",
]

arbitrary_packets = st.lists(
    st.builds(
        BufferedPacket,
        st.builds(
            RtpPacket,
            st.sampled_from([63, 96]),
            st.integers(0, 3),
            st.integers(0, 3),
            st.just(1),
            st.booleans(),
            st.one_of(
                st.binary(max_size=20),
                st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=20)),
            ),
        ),
        st.integers(0, 9),
        st.integers(0, 3),
        st.integers(0, 9),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


@pytest.mark.parametrize(("kind", "codec"), [("video", "VP8"), ("video", "VP9"), ("video", "AV1"), ("audio", "opus")])
@settings(max_examples=300)
@given(packets=arbitrary_packets)
def test_arbitrary_payloads_are_frames_or_dropped(kind: Kind, codec: str, packets: list[BufferedPacket]) -> None:
    depacketizer = depacketizer_for(kind, codec)
    frames = push_all(depacketizer, packets)
    assert depacketizer.counters.frames == len(frames)
    assert all(frame.first_arrival_ns <= frame.arrival_ns for frame in frames)
    assert depacketizer.counters.frames + depacketizer.counters.dropped <= len(packets)


@settings(max_examples=300)
@given(packets=arbitrary_packets)
def test_arbitrary_redundant_audio_is_sound_in_order_or_dropped(packets: list[BufferedPacket]) -> None:
    depacketizer = RedDepacketizer(depacketizer_for("audio", "opus"), 96, 63)
    for packet in packets:
        times = [frame.timestamp for frame in depacketizer.push(packet)]
        assert times == sorted(set(times))
        assert all(time <= packet.timestamp for time in times)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1"])
def test_a_picture_that_never_ends_does_not_fill_the_memory(codec: str) -> None:
    depacketizer = depacketizer_for("video", codec)
    begin, on = {
        "VP8": (b"\x10" + vp8.keyframe(), b"\x00"),
        "VP9": (b"\x08" + vp9.keyframe(), b"\x00"),
        "AV1": (av1.payload(*map(av1.element, av1.keyframe()), goes_on=True), b"\xd0"),
    }[codec]
    payloads = [begin, *(on + bytes(60_000) for _ in range(MAX_FRAME_BYTES // 30_000))]
    packets = [buffered(RtpPacket(96, n, 0, 1, marker=False, payload=data)) for n, data in enumerate(payloads)]
    tracemalloc.start()
    assert push_all(depacketizer, packets) == []
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MAX_FRAME_BYTES + (1 << 20)
    assert kept < 1 << 20
    assert depacketizer.counters.dropped == 1
