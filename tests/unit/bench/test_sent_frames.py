"""Which of the frames that were sent a file lacks."""

from __future__ import annotations

from zlib import adler32

import pytest

from services.bench.media.clip import FRAME_RATE
from services.bench.media.frames import FrameIndex, SentFrames
from services.demo.media import Clip
from shared.runtime.errors import StartupError

BEGIN = 1000.0
ALL_OF_IT = BEGIN + 60

CLIP = Clip((b"\x00zero", b"\x01one", b"\x01two", b"\x00three"), ())
BLACK = b"\x00black"


def due(place: int) -> float:
    return BEGIN + place / FRAME_RATE


def listed(*frames: bytes) -> list[str]:
    """What ffmpeg's framecrc lists of a file with these frames."""
    packets = [f"0, {33 * n}, {33 * n}, 33, {len(frame)}, 0x{adler32(frame, 0):08x}" for n, frame in enumerate(frames)]
    return ["#media_type 0: video", "#codec_id 0: vp8", *packets]


def test_a_file_with_every_frame_since_its_first_lacks_nothing() -> None:
    assert SentFrames(BEGIN, [0, 1, 2, 3, 4]).lost([2, 3, 4], ALL_OF_IT) == []


def test_a_frame_that_is_missing_was_lost_when_it_was_due() -> None:
    assert SentFrames(BEGIN, [0, 1, 2, 3, 4]).lost([0, 1, 4], ALL_OF_IT) == [due(2), due(3)]


def test_frames_that_were_never_sent_are_not_missed() -> None:
    """A keyframe was asked for after the first two: those up to it were skipped."""
    assert SentFrames(BEGIN, [0, 1, 90, 91, 92]).lost([90, 91], ALL_OF_IT) == [due(4)]


def test_what_was_sent_when_recording_ended_is_not_missed() -> None:
    assert SentFrames(BEGIN, [0, 1, 2, 3]).lost([0, 1], until=due(2)) == []
    assert SentFrames(BEGIN, [0, 1, 2, 3]).lost([0, 1], until=due(3)) == [due(2)]


def test_a_file_without_a_frame_lacks_all() -> None:
    assert SentFrames(BEGIN, [0, 1, 2]).lost([], ALL_OF_IT) == [due(0), due(1), due(2)]


def test_frames_are_known_by_what_is_in_them_and_black_is_left_out() -> None:
    assert FrameIndex(CLIP).numbers(listed(BLACK, *CLIP.video[1:3], BLACK)) == [1, 2]


def test_numbers_go_on_where_the_clip_begins_again() -> None:
    zero, one, two, three = CLIP.video
    assert FrameIndex(CLIP).numbers(listed(two, three, zero, one, two, zero)) == [2, 3, 4, 5, 6, 8]


def test_a_clip_whose_frames_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(StartupError, match="two frames of the clip are alike"):
        FrameIndex(Clip((b"same", b"other", b"same"), ()))
