from __future__ import annotations

from services.recorder.media.frame import NS_PER_MS, Block, Kind
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.muxer import PICTURE_NS
from services.recorder.media.written import Written

SIXTY_MS = b"\x18" + bytes(10)


def block(kind: Kind, at_ms: int, data: bytes = OPUS_SILENCE) -> Block:
    return Block(kind, at_ms * NS_PER_MS, keyframe=True, data=data)


def written(*blocks: Block) -> Written:
    each = Written()
    for one in blocks:
        each.add([one])
    return each


def test_blocks_are_counted_by_kind() -> None:
    each = written(block("audio", 0), block("video", 0), block("audio", 20))
    assert (each.video_frames, each.audio_packets) == (1, 2)


def test_they_end_with_the_last_sound_which_lasts_as_long_as_it_says() -> None:
    assert written(block("audio", 0), block("audio", 20)).end_ns == 40 * NS_PER_MS
    assert written(block("audio", 0), block("audio", 20, SIXTY_MS)).end_ns == 80 * NS_PER_MS


def test_or_with_the_last_picture() -> None:
    assert written(block("audio", 0), block("video", 20)).end_ns == 20 * NS_PER_MS + PICTURE_NS


def test_where_there_is_none_they_end_at_once() -> None:
    assert Written().end_ns == 0
