"""The media path of a recording of one track, the stages in order: hold back, gate, split into files, muxer, ffmpeg."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.recorder.media.ffmpeg_errors import FfmpegError, FfmpegStalledError
from services.recorder.media.frame import Block, Kind, TimedFrame
from services.recorder.media.frame_queue import Waiting
from services.recorder.media.gate import Gate
from services.recorder.media.hold_back import RecordingCounters
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.spool import Spool
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.media.track_splitter import FileBegins, FileEnds, Step, TrackSplitter
from services.recorder.media.webm_writer import WebmWriter

_log = structlog.get_logger()

#: So many files that broke off within so many seconds: the next one would, too.
_MAX_FAILURES, _FAILURES_SECONDS = 3, 10.0


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that nothing more is written into."""

    #: Wall clock of its time zero, ns.
    begin_ns: int
    #: False: ffmpeg did not end it well.
    whole: bool


@dataclass(frozen=True, slots=True)
class _OpenFile:
    begin_ns: int
    writer: WebmWriter
    muxer: MatroskaMuxer


class TrackPipeline:
    """Takes placed frames, and writes those of one track that were permitted into a file for each stretch of them.

    A file whose ffmpeg dies ends there, and the next frame begins another one. What was written goes into `written`, in
    order.
    """

    def __init__(
        self,
        kind: Kind,
        ffmpeg: Path,
        gate: Gate,
        start_ns: int,
        disk: SpoolDisk,
        path_of: Callable[[int], Awaitable[Path]],
        written: Callable[[WrittenFile], Awaitable[None]],
    ) -> None:
        """Take nothing that was captured before `start_ns`; `path_of` tells where the file that begins then goes."""
        self._kind: Kind = kind
        self._ffmpeg = ffmpeg
        self._splitter = TrackSplitter(kind, gate, start_ns, disk.patience_ns)
        self._spool = Spool(disk, self._splitter.held.queue)
        self._path_of = path_of
        self._written = written
        self._file: _OpenFile | None = None
        #: When the latest files broke off, by the loop's clock.
        self._failures: deque[float] = deque(maxlen=_MAX_FAILURES)

    @property
    def counters(self) -> RecordingCounters:
        """What became of the frames that are in no file."""
        return self._splitter.counters

    @property
    def waiting(self) -> Waiting:
        """How much media waits."""
        return self._splitter.held.queue.waiting

    @property
    def wants_keyframe(self) -> bool:
        """Whether the picture waits for a keyframe that has not arrived yet."""
        return self._splitter.wants_keyframe

    def take(self, frames: list[TimedFrame]) -> None:
        """Hold frames back, in the order of their arrival."""
        self._splitter.take(frames)
        self._spool.put_away()

    def expire(self, now_ns: int) -> None:
        """Drop what has waited too long."""
        self._splitter.held.expire(now_ns)

    def end_at(self, end_ns: int) -> None:
        """Take nothing that was captured at that moment or later."""
        self._splitter.end_at(end_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the end is known and has arrived."""
        return self._splitter.is_complete(watermark_ns)

    async def advance(self, watermark_ns: int) -> None:
        """Write what the watermark has passed.

        Raises FfmpegError or OSError: what a file broke off for, if ffmpeg hangs or it was the third within 10 s.
        """
        await self._follow(self._splitter.advance(watermark_ns))
        while await self._spool.bring_back(watermark_ns):
            await self._follow(self._splitter.advance(watermark_ns))

    async def finish(self, watermark_ns: int) -> None:
        """Write the rest and end the file. Raises like `advance`."""
        await self.advance(watermark_ns)
        await self._follow(self._splitter.finish())

    async def abort(self) -> None:
        """End ffmpeg if it still runs, whatever becomes of the file, and leave nothing that waits."""
        await self._spool.close()
        await self._abandon()

    async def _abandon(self) -> None:
        file, self._file = self._file, None
        if file:
            with suppress(FfmpegError):
                await file.writer.close()

    async def _follow(self, steps: list[Step]) -> None:
        blocks: list[Block] = []
        for step in steps:
            match step:
                case FileBegins():
                    await self._begin(step)
                case Block():
                    blocks.append(step)
                case FileEnds():
                    await self._write(blocks)
                    blocks = []
                    await self._end()
        await self._write(blocks)

    async def _begin(self, file: FileBegins) -> None:
        try:
            path = await self._path_of(file.begin_ns)
            writer = await WebmWriter.start(self._ffmpeg, path, _log)
            muxer = MatroskaMuxer(file.format, sound=self._kind == "audio")
            self._file = _OpenFile(file.begin_ns, writer, muxer)
            await writer.write(muxer.header())
        except (FfmpegError, OSError) as error:
            await self._break_off(file.begin_ns, error)

    async def _write(self, blocks: list[Block]) -> None:
        if self._file is None or not blocks:
            return
        try:
            await self._file.writer.write(self._file.muxer.cluster(blocks))
        except FfmpegError as error:
            await self._break_off(self._file.begin_ns, error)

    async def _end(self) -> None:
        if self._file is None:
            return
        try:
            await self._file.writer.close()
        except FfmpegError as error:
            await self._break_off(self._file.begin_ns, error)
        else:
            begin_ns, self._file = self._file.begin_ns, None
            await self._written(WrittenFile(begin_ns, whole=True))

    async def _break_off(self, begin_ns: int, error: FfmpegError | OSError) -> None:
        """Let the file be, and let the next frame begin another one, unless that has been tried often enough."""
        _log.warning("a file of a track broke off", kind=self._kind, begin_ns=begin_ns, error=str(error))
        self._splitter.break_off(begin_ns)
        if self._file:
            await self._abandon()
            await self._written(WrittenFile(begin_ns, whole=False))
        if isinstance(error, FfmpegStalledError) or self._fails_often():
            raise error

    def _fails_often(self) -> bool:
        self._failures.append(asyncio.get_running_loop().time())
        lasted = self._failures[-1] - self._failures[0]
        return len(self._failures) == _MAX_FAILURES and lasted < _FAILURES_SECONDS
