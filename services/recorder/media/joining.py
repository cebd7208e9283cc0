"""Joins the segments of a file into the finished one, where an ffmpeg broke off and another one went on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from services.recorder.media.demuxer import Demuxer
from services.recorder.media.joint import Joint
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.tags import Tags
from services.recorder.media.webm_writer import WebmWriter

_log = structlog.get_logger()

#: How much of a segment is read at a time; less than a second at usual rates.
_PIECE_BYTES = 64 * 1024
#: An ffmpeg that takes nothing for so long does not get on; and what it may take to move the index to the front.
_PATIENCE_SECONDS = 60.0
_CLOSING_SECONDS = 600.0


class NothingWrittenError(Exception):
    """No segment holds anything that can be read."""

    def __init__(self, segments: Sequence[Path]) -> None:
        super().__init__(f"none of {len(segments)} segments holds a picture or a sound; they are kept")


@dataclass(frozen=True, slots=True)
class Join:
    """How the segments of one file become one."""

    #: In order.
    segments: Sequence[Path]
    #: Whose header they have.
    muxer: MatroskaMuxer
    joint: Joint
    #: How long the file lasts.
    lasts_ns: int

    async def into(self, ffmpeg: Path, target: Path, tags: Tags) -> None:
        """Copy them into one file with duration and an index in front, with silence and black where they have holes.

        What is at the target is written over; what is there after an error is not whole. Raises FfmpegError, OSError
        and NothingWrittenError.
        """
        await asyncio.to_thread(target.unlink, missing_ok=True)
        writer = await WebmWriter.start(ffmpeg, target, _log, _PATIENCE_SECONDS, {"cues_to_front": 1, **tags.options()})
        try:
            await self._write(writer)
            await writer.close(_CLOSING_SECONDS)
        except BaseException:
            await writer.kill()
            raise

    async def forget(self) -> None:
        """Let the segments go: the file is in its place."""
        for segment in self.segments:
            await asyncio.to_thread(segment.unlink, missing_ok=True)

    async def _write(self, writer: WebmWriter) -> None:
        await writer.write(self.muxer.header())
        holds_something = False
        for segment in self.segments:
            async for blocks in self._read(segment):
                holds_something |= bool(blocks)
                await writer.write(blocks)
        if not holds_something:
            raise NothingWrittenError(self.segments)
        await writer.write(self.muxer.cluster(self.joint.finish(self.lasts_ns)))

    async def _read(self, segment: Path) -> AsyncIterator[bytes]:
        """Yield what goes into the file of a segment, as clusters; it is read off the event loop."""
        self.joint.begin_segment()
        demuxer = Demuxer()
        file = await asyncio.to_thread(segment.open, "rb")
        try:
            while (clusters := await asyncio.to_thread(self._next, file, demuxer)) is not None:
                yield clusters
        finally:
            await asyncio.to_thread(file.close)

    def _next(self, file: BinaryIO, demuxer: Demuxer) -> bytes | None:
        piece = file.read(_PIECE_BYTES)
        if not piece:
            return None
        joined = [each for block in demuxer.take(piece) for each in self.joint.push(block)]
        return self.muxer.cluster(joined)
