"""Opus: a packet is a frame as it is, if it keeps the rules of RFC 6716."""

from __future__ import annotations

import pytest

from services.recorder.media.frame import NS_PER_MS, EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters
from services.recorder.media.payloads.opus import OpusDepacketizer
from services.recorder.media.rtp import RtpPacket
from tests.support.payloads import buffered


def opus(payload: bytes) -> BufferedPacket:
    return buffered(RtpPacket(111, 1, 960, 1, marker=False, payload=payload), arrival_ns=5)


def test_an_opus_packet_is_a_frame_as_it_is() -> None:
    depacketizer = OpusDepacketizer()
    payload = b"\x78abc"
    assert depacketizer.push(opus(payload)) == [
        EncodedFrame(
            kind="audio",
            timestamp=960,
            first_arrival_ns=5,
            arrival_ns=5,
            keyframe=True,
            data=payload,
            duration_ns=20 * NS_PER_MS,
        )
    ]
    assert depacketizer.counters == FrameCounters(frames=1)
    assert not depacketizer.needs_keyframe


@pytest.mark.parametrize(
    ("config", "tenths_ms"),
    [
        *enumerate([100, 200, 400, 600] * 3),
        *enumerate([100, 200] * 2, start=12),
        *enumerate([25, 50, 100, 200] * 4, start=16),
    ],
)
def test_the_duration_of_each_configuration_is_told(config: int, tenths_ms: int) -> None:
    (frame,) = OpusDepacketizer().push(opus(bytes((config << 3,)) + b"abc"))
    assert frame.duration_ns == tenths_ms * NS_PER_MS // 10


#: TOC bytes of 20 ms SILK frames, by code.
ONE, TWO_EQUAL, TWO, COUNTED = (bytes((1 << 3 | code,)) for code in range(4))


@pytest.mark.parametrize(
    ("payload", "ms"),
    [
        pytest.param(ONE, 20, id="one empty frame: silence"),
        pytest.param(ONE + bytes(1275), 20, id="one of the greatest size"),
        pytest.param(TWO_EQUAL + b"aabb", 40, id="two of equal size"),
        pytest.param(TWO_EQUAL + bytes(2550), 40, id="two of the greatest size"),
        pytest.param(TWO + b"\x01abb", 40, id="two of different sizes"),
        pytest.param(TWO + b"\x00", 40, id="two empty ones"),
        pytest.param(TWO + b"\xfc\x01" + bytes(256), 40, id="two, the first of 256 bytes"),
        pytest.param(COUNTED + b"\x03aabbcc", 60, id="three of equal size"),
        pytest.param(COUNTED + b"\x06", 120, id="six empty ones"),
        pytest.param(COUNTED + b"\x83\x01\x02abbccc", 60, id="three of different sizes"),
        pytest.param(COUNTED + b"\x42\x01aabb\x00", 40, id="padded by one byte"),
        pytest.param(COUNTED + b"\x42\xff\x01aabb" + bytes(255), 40, id="padded by 255 bytes"),
        pytest.param(COUNTED + b"\xc2\x01\x01abb\x00", 40, id="padded and of different sizes"),
    ],
)
def test_the_frames_of_each_code_are_counted(payload: bytes, ms: int) -> None:
    (frame,) = OpusDepacketizer().push(opus(payload))
    assert frame.duration_ns == ms * NS_PER_MS


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(ONE + bytes(1276), id="one that is too great"),
        pytest.param(TWO_EQUAL + b"abb", id="two of equal size in odd bytes"),
        pytest.param(TWO_EQUAL + bytes(2552), id="two that are too great"),
        pytest.param(TWO, id="two without a length"),
        pytest.param(TWO + b"\xfc", id="two with half a length"),
        pytest.param(TWO + b"\x02a", id="two, the first cut off"),
        pytest.param(TWO + b"\x00" + bytes(1276), id="two, the second too great"),
        pytest.param(COUNTED, id="no count"),
        pytest.param(COUNTED + b"\x00", id="none"),
        pytest.param(COUNTED + b"\x07", id="140 ms"),
        pytest.param(COUNTED + b"\x03aabb", id="three of equal size in too few bytes"),
        pytest.param(COUNTED + b"\x83\x01\x02ab", id="three of different sizes in too few bytes"),
        pytest.param(COUNTED + b"\x86", id="six without lengths"),
        pytest.param(COUNTED + b"\x41", id="no length of the padding"),
        pytest.param(COUNTED + b"\x41\xff", id="half a length of the padding"),
        pytest.param(COUNTED + b"\x41\x02a", id="padding cut off"),
    ],
)
def test_a_malformed_opus_packet_is_dropped_and_counted(payload: bytes) -> None:
    depacketizer = OpusDepacketizer()
    assert depacketizer.push(opus(payload)) == []
    assert depacketizer.counters == FrameCounters(dropped=1)


def test_an_empty_opus_payload_is_nothing() -> None:
    depacketizer = OpusDepacketizer()
    assert depacketizer.push(opus(b"")) == []
    assert depacketizer.counters == FrameCounters()
