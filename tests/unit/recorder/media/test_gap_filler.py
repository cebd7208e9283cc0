"""What the gap fillers promise: both tracks flow to the end; what was not sent is silence and black."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS as MS
from services.recorder.media.frame import NS_PER_SECOND as S
from services.recorder.media.frame import Black, Block, EncodedFrame, PictureFormat, TimedFrame
from services.recorder.media.gap_filler import OPUS_SILENCE, SHORTEST_GAP_NS, AudioGapFiller, VideoGapFiller
from services.recorder.media.spans import union

START = 1_700_000_000 * S
FORMAT = PictureFormat("vp8", 640, 480)
#: What stands for black of that format.
BLACK = b"black"
KEY, DELTA = b"key", b"delta"


def sound(at: int, duration: int = 20 * MS, data: bytes = b"sound") -> TimedFrame:
    return TimedFrame(START + at, EncodedFrame("audio", 0, 0, 0, keyframe=True, data=data, duration_ns=duration))


def picture(at: int, data: bytes = DELTA) -> TimedFrame:
    return TimedFrame(START + at, EncodedFrame("video", 0, 0, 0, keyframe=data == KEY, data=data))


def data(block: Block | Black) -> bytes:
    return block.data if isinstance(block, Block) else BLACK


def times_ms(blocks: Sequence[Block | Black]) -> list[float]:
    return [block.time_ns / MS for block in blocks]


def written(blocks: Sequence[Block | Black]) -> list[tuple[float, bytes]]:
    return [(block.time_ns / MS, data(block)) for block in blocks]


# --- sound


def test_sound_without_holes_passes_as_it_came() -> None:
    filler = AudioGapFiller(START)
    blocks = [block for at in (0, 20, 40) for block in filler.push(sound(at * MS))]
    assert written(blocks) == [(0, b"sound"), (20, b"sound"), (40, b"sound")]
    assert filler.late == 0


def test_a_hole_in_the_sound_is_filled_with_silence() -> None:
    filler = AudioGapFiller(START)
    filler.push(sound(0))
    blocks = filler.push(sound(85 * MS))
    assert written(blocks) == [(20, OPUS_SILENCE), (40, OPUS_SILENCE), (60, OPUS_SILENCE), (85, b"sound")]


def test_a_hole_shorter_than_a_packet_of_silence_stays() -> None:
    filler = AudioGapFiller(START)
    filler.push(sound(0))
    assert written(filler.push(sound(40 * MS - 1))) == [((40 * MS - 1) / MS, b"sound")]


def test_a_packet_that_overlaps_the_last_one_is_written_when_that_ends() -> None:
    filler = AudioGapFiller(START)
    filler.push(sound(0))
    assert written(filler.push(sound(1))) == [(20, b"sound")]
    assert filler.late == 0


def test_a_packet_whose_whole_time_is_already_written_is_dropped_and_counted() -> None:
    filler = AudioGapFiller(START)
    filler.push(sound(20 * MS))
    assert filler.push(sound(20 * MS)) == []
    assert filler.push(sound(0)) == []
    assert filler.late == 2


def test_silence_is_written_up_to_where_nothing_more_can_come_in_whole_packets() -> None:
    filler = AudioGapFiller(START)
    assert times_ms(filler.advance(START + 59 * MS)) == [0, 20]
    assert times_ms(filler.advance(START + 60 * MS)) == [40]
    assert filler.advance(START + 60 * MS) == []


@pytest.mark.parametrize(("end_ms", "last"), [(49, 20), (50, 40), (60, 40), (69, 40)])
def test_the_sound_ends_at_the_packet_nearest_to_the_end(end_ms: int, last: int) -> None:
    assert times_ms(AudioGapFiller(START).finish(START + end_ms * MS))[-1] == last


sound_steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(-70 * MS, 300 * MS), st.sampled_from([2_500_000, 20 * MS, 60 * MS])),
        st.tuples(st.just("advance"), st.integers(0, 500 * MS), st.just(0)),
    ),
    max_size=60,
)


@given(sound_steps, st.integers(0, 300 * MS))
def test_sound_has_no_hole_of_a_packet_and_no_overlap_whatever_comes(
    steps: list[tuple[str, int, int]], rest: int
) -> None:
    filler, blocks, now, pushed = AudioGapFiller(START), list[Block](), 0, 0
    for what, step, duration in steps:
        now = max(0, now + step)
        pushed += what == "push"
        blocks += (
            filler.push(sound(now, duration, duration.to_bytes(4, "big")))
            if what == "push"
            else filler.advance(START + now)
        )
    end = max([now + rest, *(block.time_ns for block in blocks)])
    blocks += filler.finish(START + end)

    ends = [block.time_ns + duration_of(block) for block in blocks]
    assert all(0 <= later.time_ns - ended < 20 * MS for ended, later in zip(ends, blocks[1:], strict=False))
    assert not blocks or blocks[0].time_ns < 20 * MS
    assert end - (ends[-1] if ends else 0) <= 10 * MS
    assert sum(block.data != OPUS_SILENCE for block in blocks) + filler.late == pushed


def duration_of(block: Block) -> int:
    return 20 * MS if block.data == OPUS_SILENCE else int.from_bytes(block.data, "big")


# --- picture


def test_the_file_begins_with_black_until_the_first_keyframe() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert filler.needs_keyframe
    assert written(filler.push(picture(500 * MS, KEY))) == [(0, BLACK), (500, KEY)]
    assert not filler.needs_keyframe


def test_a_keyframe_almost_at_the_start_is_the_beginning() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert filler.advance(START + 30 * MS) == []
    assert written(filler.push(picture(30 * MS, KEY))) == [(0, KEY)]
    assert written(filler.push(picture(63 * MS))) == [(63, DELTA)]


def test_a_picture_from_before_the_start_is_dropped() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert filler.push(picture(-1, KEY)) == []
    assert filler.late == 1
    assert filler.needs_keyframe


def test_a_delta_frame_after_black_is_dropped_and_a_keyframe_is_needed() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert written(filler.push(picture(100 * MS))) == [(0, BLACK)]
    assert filler.baseless == 1
    assert filler.needs_keyframe


def test_the_picture_goes_black_at_the_very_moment_permission_ends() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    assert written(filler.cut(START + 123 * MS)) == [(123, BLACK)]
    assert filler.push(picture(133 * MS)) == []
    assert written(filler.push(picture(200 * MS, KEY))) == [(200, KEY)]


def test_a_cut_while_black_writes_no_second_black() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert written(filler.cut(START + 100 * MS)) == [(0, BLACK)]
    assert filler.cut(START + 200 * MS) == []


def test_what_was_captured_before_a_cut_is_not_shown_after_it() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    filler.cut(START + 100 * MS)
    assert filler.push(picture(99 * MS, KEY)) == []
    assert filler.late == 1
    assert filler.needs_keyframe


def test_a_cut_just_after_the_start_is_black_from_the_start() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert written(filler.cut(START + 10 * MS)) == [(0, BLACK)]
    assert written(filler.push(picture(20 * MS, KEY))) == [(20, KEY)]


def test_black_is_repeated_so_that_the_sound_is_not_held_back() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert times_ms(filler.advance(START + 1500 * MS)) == [0, 500, 1000]
    assert times_ms(filler.advance(START + 1500 * MS + 1)) == [1500]


def test_a_picture_that_stops_goes_black_after_the_patience() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    filler.push(picture(500 * MS))
    assert filler.advance(START + 2500 * MS) == []
    assert written(filler.advance(START + 3600 * MS)) == [(2500, BLACK), (3000, BLACK), (3500, BLACK)]
    assert filler.needs_keyframe


def test_a_frame_that_outwaits_the_patience_comes_after_black_with_or_without_advance() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    assert written(filler.push(picture(2500 * MS))) == [(2000, BLACK)]
    assert filler.baseless == 1


def test_two_frames_too_close_for_the_nominal_rate_are_moved_apart() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    assert times_ms(filler.push(picture(400_000))) == [10]
    assert times_ms(filler.push(picture(500_000))) == [20]
    assert times_ms(filler.push(picture(33 * MS))) == [33]


def test_a_sender_that_is_always_too_fast_is_not_moved_ever_further() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    placed = [times_ms(filler.push(picture(n * MS)))[0] for n in range(1, 400)]
    assert max(time - n for n, time in enumerate(placed, start=1)) <= 60
    assert placed == sorted(set(placed))


def test_black_has_the_new_size_once_the_size_changed() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    filler.format = PictureFormat("vp8", 1280, 720)
    assert filler.cut(START + 1 * S) == [Black(1 * S, PictureFormat("vp8", 1280, 720))]


def test_black_lasts_to_the_end_of_the_file() -> None:
    filler = VideoGapFiller(START, FORMAT)
    assert times_ms(filler.finish(START + 1500 * MS)) == [0, 500, 1000, 1480]


def test_no_black_is_put_behind_a_picture_that_shows_to_the_end() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    assert filler.finish(START + 1500 * MS) == []


def test_a_file_that_got_nothing_at_all_has_a_picture() -> None:
    assert written(VideoGapFiller(START, FORMAT).finish(START + 1)) == [(0, BLACK)]


picture_steps = st.lists(
    st.tuples(st.sampled_from(["key", "delta", "delta", "advance", "cut"]), st.integers(-50 * MS, 3 * S)),
    max_size=60,
)


def do(filler: VideoGapFiller, what: str, at: int) -> list[Block | Black]:
    if what == "advance":
        return filler.advance(START + at)
    if what == "cut":
        return filler.cut(START + at)
    return filler.push(picture(at, what.encode()))


@given(picture_steps, st.integers(0, 5 * S))
def test_the_picture_track_is_unbroken_whatever_comes(steps: list[tuple[str, int]], rest: int) -> None:
    filler, blocks, now, pushed = VideoGapFiller(START, FORMAT), list[Block | Black](), 0, 0
    for what, step in steps:
        now = max(0, now + step)
        pushed += what in {"key", "delta"}
        blocks += do(filler, what, now)
    end = max([now + rest, *(block.time_ns for block in blocks)])
    blocks += filler.finish(START + end)

    assert blocks[0].time_ns == 0
    assert data(blocks[0]) != DELTA
    for before, after in pairwise(blocks):
        assert before.time_ns // MS < after.time_ns // MS
        assert after.time_ns - before.time_ns <= (1 * S if data(before) == BLACK else 2 * S) + MS
        assert not (data(before) == BLACK and data(after) == DELTA)
    assert end - blocks[-1].time_ns <= (21 * MS if data(blocks[-1]) == BLACK else 2 * S)
    assert sum(data(b) != BLACK for b in blocks) + filler.baseless + filler.late == pushed


@given(picture_steps)
def test_no_frame_from_before_a_cut_is_written_after_it(steps: list[tuple[str, int]]) -> None:
    filler, now, cut_at = VideoGapFiller(START, FORMAT), 0, 0
    for what, step in steps:
        now = max(0, now + step)
        blocks = do(filler, what, now)
        cut_at = max(cut_at, now) if what == "cut" else cut_at
        assert now >= cut_at or all(data(block) == BLACK for block in blocks)


# --- what was filled


def spans_ms(filler: AudioGapFiller | VideoGapFiller) -> list[tuple[float, float]]:
    return [(begin / MS, end / MS) for begin, end in filler.filled.spans]


def test_silence_tells_from_when_to_when_it_lasts() -> None:
    filler = AudioGapFiller(START)
    filler.push(sound(0))
    filler.advance(START + 300 * MS)
    filler.push(sound(1000 * MS))
    filler.finish(START + 2020 * MS)
    assert spans_ms(filler) == [(20, 1000), (1020, 2020)]


def test_silence_between_packets_of_silence_is_told_to_nobody() -> None:
    filler = AudioGapFiller(START)
    for at in range(0, 4000, 400):
        filler.push(sound(at * MS))
    filler.push(sound(5000 * MS))
    assert spans_ms(filler) == [(3620, 5000)]


def test_black_tells_from_when_to_when_it_shows() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(600 * MS, KEY))
    filler.cut(START + 1000 * MS)
    filler.push(picture(1800 * MS))
    filler.push(picture(2000 * MS, KEY))
    assert spans_ms(filler) == [(0, 600), (1000, 2000)]


def test_a_picture_that_stops_is_black_from_where_it_goes_black() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    filler.advance(START + 5 * S)
    filler.push(picture(6 * S, KEY))
    assert spans_ms(filler) == [(2000, 6000)]


def test_black_at_the_end_lasts_to_the_end() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.push(picture(0, KEY))
    filler.cut(START + 1000 * MS)
    filler.finish(START + 3000 * MS)
    assert spans_ms(filler) == [(1000, 3000)]


def test_a_picture_that_shows_throughout_has_no_black() -> None:
    filler = VideoGapFiller(START, FORMAT)
    for at in range(0, 3000, 100):
        filler.push(picture(at * MS, DELTA if at else KEY))
    filler.finish(START + 3000 * MS)
    assert spans_ms(filler) == []


def test_a_file_without_any_picture_is_black_from_its_beginning_to_its_end() -> None:
    filler = VideoGapFiller(START, FORMAT)
    filler.finish(START + 3000 * MS)
    assert spans_ms(filler) == [(0, 3000)]


@given(st.lists(st.tuples(st.sampled_from(("sound", "wait")), st.integers(20, 2000)), max_size=12))
def test_silence_of_half_a_second_and_more_is_told_to_the_packet(steps: list[tuple[str, int]]) -> None:
    filler, now, blocks = AudioGapFiller(START), 0, list[Block]()
    for what, rest in steps:
        now += rest * MS
        blocks += filler.push(sound(now)) if what == "sound" else filler.advance(START + now)
    silent = [(block.time_ns, block.time_ns + 20 * MS) for block in blocks if block.data == OPUS_SILENCE]
    over = [span for span in union(silent)[:-1] if span[1] - span[0] >= SHORTEST_GAP_NS]
    assert filler.filled.spans == over + union(silent)[-1:]
