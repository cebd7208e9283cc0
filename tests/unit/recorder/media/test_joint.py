"""The blocks of several segments as those of one file. Times are written in ms of the file."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS, Block
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.joint import Joint

_BLACK = b"black"
#: 20 ms of Opus.
_TOC = b"\xf8"
_END_MS = 6000


def sound(at_ms: int) -> Block:
    return Block("audio", at_ms * NS_PER_MS, keyframe=True, data=_TOC + at_ms.to_bytes(4, "big"))


def picture(at_ms: int, *, keyframe: bool = False) -> Block:
    return Block("video", at_ms * NS_PER_MS, keyframe, at_ms.to_bytes(4, "big"))


def film(keyframes_ms: set[int]) -> list[Block]:
    """Six seconds of sound, and of pictures every 40 ms."""
    pictures = [picture(at, keyframe=at in keyframes_ms | {0}) for at in range(0, _END_MS, 40)]
    sounds = [sound(at) for at in range(0, _END_MS, 20)]
    return sorted([*pictures, *sounds], key=lambda block: block.time_ns)


def joined(joint: Joint, *segments: list[Block]) -> list[Block]:
    blocks = []
    for segment in segments:
        joint.begin_segment()
        blocks += [each for block in segment for each in joint.push(block)]
    return blocks + joint.finish(_END_MS * NS_PER_MS)


def of(kind: str, blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if block.kind == kind]


def test_one_segment_stays_as_it_is() -> None:
    blocks = film({2000})
    assert joined(Joint(_BLACK), blocks) == blocks


def test_what_two_segments_hold_goes_in_once_also_in_the_midst_of_pictures_that_build_on_others() -> None:
    blocks, joint = film({0}), Joint(_BLACK)
    assert joined(joint, blocks[:200], blocks[150:]) == blocks
    assert (joint.silences, joint.blacks) == ([], [])


def test_between_segments_with_a_hole_it_is_silent_and_black_until_a_keyframe() -> None:
    blocks, joint = film({4000}), Joint(_BLACK)
    before = [block for block in blocks if block.time_ns < 2000 * NS_PER_MS]
    after = [block for block in blocks if block.time_ns >= 3500 * NS_PER_MS]
    whole = joined(joint, before, after)
    blacks = [block.time_ns // NS_PER_MS for block in whole if block.data == _BLACK]
    assert blacks == [1970, 2970, 3970]
    assert joint.blacks == [(1970 * NS_PER_MS, 4000 * NS_PER_MS)]
    silences = [block.time_ns // NS_PER_MS for block in whole if block.data == OPUS_SILENCE]
    assert silences == list(range(2000, 3500, 20))
    assert joint.silences == [(2000 * NS_PER_MS, 3500 * NS_PER_MS)]
    assert next(block for block in of("video", whole) if block.time_ns > 3970 * NS_PER_MS) == picture(
        4000, keyframe=True
    )


def test_a_file_whose_first_segment_is_empty_begins_black_and_silent() -> None:
    blocks = [block for block in film({1000}) if block.time_ns >= 1000 * NS_PER_MS]
    whole = joined(Joint(_BLACK), [], blocks)
    assert of("video", whole)[0] == Block("video", 0, keyframe=True, data=_BLACK)
    assert of("audio", whole)[0] == Block("audio", 0, keyframe=True, data=OPUS_SILENCE)


def test_a_file_that_was_cut_off_lasts_to_its_end() -> None:
    whole = joined(Joint(_BLACK), [block for block in film({0}) if block.time_ns < 2000 * NS_PER_MS])
    assert of("video", whole)[-1].time_ns == of("audio", whole)[-1].time_ns == (_END_MS - 20) * NS_PER_MS


@given(
    st.sets(st.integers(0, 149).map(lambda number: number * 40)),
    st.lists(st.tuples(st.integers(0, 450), st.integers(0, 450)), min_size=1, max_size=5),
)
def test_however_segments_overlap_and_whatever_is_missing_the_file_goes_on(
    keyframes_ms: set[int], cuts: list[tuple[int, int]]
) -> None:
    blocks, joint = film(keyframes_ms), Joint(_BLACK)
    begins = sorted(begin for begin, _ in cuts)
    segments = [blocks[begin:end] for begin, (_, end) in zip(begins, cuts, strict=True)]
    whole = joined(joint, *segments)

    assert [block.time_ns for block in of("audio", whole)] == [at * NS_PER_MS for at in range(0, _END_MS, 20)]
    pictures = of("video", whole)
    assert pictures[0].time_ns == 0
    assert all(0 < later.time_ns - one.time_ns <= 1000 * NS_PER_MS for one, later in pairwise(pictures))
    assert pictures[-1].time_ns >= (_END_MS - 1000) * NS_PER_MS
    assert_builds_on_what_is_there(pictures, blocks)
    held = {block for segment in segments for block in segment}
    assert {block for block in of("audio", whole) if block.data != OPUS_SILENCE} == {
        block for block in held if block.kind == "audio"
    }


def assert_builds_on_what_is_there(pictures: list[Block], sent: list[Block]) -> None:
    """See that each picture which needs the one before it follows that very one."""
    before = dict(zip(of("video", sent)[1:], of("video", sent), strict=False))
    for one, following in pairwise([None, *pictures]):
        assert following is not None
        assert following.keyframe or before[following] == one
