"""What a VP9 frame says of itself, and several of them in one superframe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.payloads.vp9_bitstream import FrameHeader, read_header, split_superframe, superframe
from tests.support.vp9 import SYNC, bits, delta_frame, keyframe

#: 4:2:0 with 8 bits, in color space 2.
_COLOR = ((2, 3), (0, 1))
_SIZE = ((1279, 16), (720, 16))
_KEYFRAME, _INTER = 0, 1


def begins(profile: int, frame_type: int, *, shown: int = 1, resilient: int = 0) -> tuple[tuple[int, int], ...]:
    low, high = profile & 1, profile >> 1
    reserved = ((0, 1),) if profile == 3 else ()
    return ((2, 2), (low, 1), (high, 1), *reserved, (0, 1), (frame_type, 1), (shown, 1), (resilient, 1))


@pytest.mark.parametrize(
    ("profile", "color"),
    [
        pytest.param(0, _COLOR, id="4:2:0"),
        pytest.param(0, ((2, 3), (1, 1)), id="4:2:0 in full range"),
        pytest.param(1, (*_COLOR, (0b110, 3)), id="other subsampling"),
        pytest.param(1, ((7, 3), (0, 1)), id="RGB"),
        pytest.param(2, ((1, 1), *_COLOR), id="10 bits"),
        pytest.param(3, ((1, 1), *_COLOR, (0b110, 3)), id="10 bits in other subsampling"),
        pytest.param(3, ((1, 1), (7, 3), (0, 1)), id="RGB of 10 bits"),
    ],
)
def test_a_keyframe_of_each_profile_tells_its_size(profile: int, color: tuple[tuple[int, int], ...]) -> None:
    header = bits(*begins(profile, _KEYFRAME), SYNC, *color, *_SIZE)
    assert read_header(header) == FrameHeader(keyframe=True, width=1280, height=721)


def test_the_greatest_size_is_that_of_16_bits() -> None:
    assert read_header(keyframe(65_536, 1)) == FrameHeader(keyframe=True, width=65_536, height=1)


@pytest.mark.parametrize(
    ("profile", "color", "resilient"),
    [(0, (), 1), (0, (), 0), (1, (*_COLOR, (0b110, 3)), 1), (2, ((0, 1), *_COLOR), 0)],
)
def test_a_hidden_frame_that_refers_to_none_tells_its_size_and_is_no_keyframe(
    profile: int, color: tuple[tuple[int, int], ...], resilient: int
) -> None:
    reset = () if resilient else ((3, 2),)
    first = begins(profile, _INTER, shown=0, resilient=resilient)
    header = bits(*first, (1, 1), *reset, SYNC, *color, (0xFF, 8), *_SIZE)
    assert read_header(header) == FrameHeader(keyframe=False, width=1280, height=721)


@pytest.mark.parametrize(("shown", "resilient"), [(1, 1), (1, 0), (0, 1), (0, 0)])
@pytest.mark.parametrize("found", [((1, 1),), ((0, 1), (1, 1)), ((0, 2), (1, 1))])
def test_a_frame_that_is_as_large_as_one_it_refers_to_tells_none(
    shown: int, resilient: int, found: tuple[tuple[int, int], ...]
) -> None:
    intra_only = () if shown else ((0, 1),)
    reset = () if resilient else ((0, 2),)
    first = begins(0, _INTER, shown=shown, resilient=resilient)
    header = bits(*first, *intra_only, *reset, (0, 8), (0, 12), *found)
    assert read_header(header) == FrameHeader(keyframe=False)


@pytest.mark.parametrize("resilient", [0, 1])
def test_a_frame_that_is_as_large_as_none_it_refers_to_tells_its_size(resilient: int) -> None:
    reset = () if resilient else ((0, 2),)
    header = bits(*begins(0, _INTER, resilient=resilient), *reset, (0, 8), (0, 12), (0, 3), *_SIZE)
    assert read_header(header) == FrameHeader(keyframe=False, width=1280, height=721)


def test_a_frame_that_shows_an_earlier_one_is_a_byte_and_no_keyframe() -> None:
    assert read_header(bytes((0b10_0_0_1_010,))) == FrameHeader(keyframe=False)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00" + keyframe()[1:], id="no frame marker"),
        pytest.param(b"\xc2" + keyframe()[1:], id="another frame marker"),
        pytest.param(keyframe()[:3] + b"\x43" + keyframe()[4:], id="another sync code"),
        pytest.param(
            bits(*begins(0, _INTER, shown=0, resilient=1), (1, 1), (0, 64)), id="intra-only without sync code"
        ),
        pytest.param(keyframe()[:8], id="a keyframe that is cut off"),
        pytest.param(delta_frame()[:3], id="an inter frame that is cut off"),
        pytest.param(bytes((0b10_1_1_0_1_00,)), id="profile 3, cut off before what it shows"),
    ],
)
def test_a_malformed_header_tells_nothing(data: bytes) -> None:
    assert read_header(data) is None


def test_a_header_may_end_with_the_frame() -> None:
    assert read_header(keyframe()[:9]) == FrameHeader(keyframe=True, width=640, height=480)


# --- superframes


def test_an_index_behind_the_frames_tells_their_sizes() -> None:
    assert superframe([b"abc", b"d"]) == b"abcd\xc1\x03\x01\xc1"
    assert superframe([b"a" * 255, b"d"]) == b"a" * 255 + b"d\xc1\xff\x01\xc1"
    assert superframe([b"a" * 256, b"d"]) == b"a" * 256 + b"d\xc9\x00\x01\x01\x00\xc9"


def test_a_superframe_of_the_greatest_sizes_and_number_is_split() -> None:
    frames = [b"a" * 65_536, *(bytes((n,)) for n in range(7))]
    assert superframe(frames)[-1] == 0b110_10_111
    assert split_superframe(superframe(frames)) == frames


@given(st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=8))
def test_what_was_joined_is_split_again(frames: list[bytes]) -> None:
    assert split_superframe(superframe(frames)) == frames


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"abc", id="no marker"),
        pytest.param(b"ab\xc0", id="a marker at the end alone"),
        pytest.param(b"\xc0", id="a marker alone"),
        pytest.param(b"\xc7\xc7", id="shorter than its index"),
        pytest.param(b"a\xa0\x01\xa0", id="another marker"),
    ],
)
def test_what_has_no_index_is_one_frame(data: bytes) -> None:
    assert split_superframe(data) == [data]


def test_an_index_that_tells_more_than_there_is_is_wrong() -> None:
    assert split_superframe(b"ab\xc0\x02\xc0") == [b"ab"]
    assert split_superframe(b"ab\xc0\x03\xc0") is None


def test_what_no_size_tells_of_is_left_out() -> None:
    assert split_superframe(b"abc\xc1\x01\x01\xc1") == [b"a", b"b"]


@given(st.binary(min_size=1, max_size=60))
def test_whatever_comes_is_split_into_parts_of_it(data: bytes) -> None:
    frames = split_superframe(data)
    assert frames is None or data.startswith(b"".join(frames))
    assert all(read_header(frame) is None or frame for frame in frames or [])
