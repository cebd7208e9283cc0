"""What a copy begins with: black and silence, written as a recorder would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Black, Block, PictureFormat
from services.recorder.media.gap_filler import APART_NS, AudioGapFiller, VideoGapFiller
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.written import Written


async def write_lead(
    path: Path, pictures: BlackPictures, picture: PictureFormat | None, *, sound: bool, until_ms: int
) -> Written:
    """Write a Matroska file of black, unless there is no picture, and of silence, and return what is in it.

    Raises FfmpegError and OSError.
    """
    configured = await pictures.configured(picture) if picture else None
    black = await pictures.of(picture) if picture else b""
    muxer = MatroskaMuxer(configured, sound=sound)
    written = Written()
    blocks = _lead(configured, black, sound=sound, until_ns=until_ms * NS_PER_MS)
    await asyncio.to_thread(_write, path, muxer, blocks, written)
    return written


def _write(path: Path, muxer: MatroskaMuxer, each: Iterator[list[Block]], written: Written) -> None:
    with path.open("xb") as file:
        file.write(muxer.header())
        for blocks in each:
            written.add(blocks)
            file.write(muxer.cluster(blocks))


def _lead(picture: PictureFormat | None, black: bytes, *, sound: bool, until_ns: int) -> Iterator[list[Block]]:
    """Yield the blocks of a second at a time: whoever came late came perhaps an hour late."""
    silence = AudioGapFiller(0) if sound else None
    darkness = VideoGapFiller(0, picture) if picture else None
    for end_ns in (*range(NS_PER_SECOND, until_ns, NS_PER_SECOND), until_ns):
        blocks = silence.advance(end_ns) if silence else []
        if darkness:
            # At the very end stands the file's own first picture.
            is_last, until_dark_ns = end_ns == until_ns, max(end_ns - APART_NS, 0)
            dark = darkness.finish(until_dark_ns) if is_last else darkness.advance(until_dark_ns)
            blocks += [_encoded(each, black) for each in dark]
        if blocks:
            yield blocks


def _encoded(block: Block | Black, black: bytes) -> Block:
    return Block("video", block.time_ns, keyframe=True, data=black) if isinstance(block, Black) else block
