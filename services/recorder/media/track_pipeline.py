"""The media path of a recording of one track, the stages in order: hold back, gate, split into files, muxer, ffmpeg."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.recorder.media.counting import BROKEN_OFF
from services.recorder.media.ffmpeg_errors import (
    FfmpegError,
    FfmpegMissingError,
    FfmpegStalledError,
    break_reason,
)
from services.recorder.media.frame import Block, Kind, TimedFrame
from services.recorder.media.frame_queue import Waiting
from services.recorder.media.gate import Gate
from services.recorder.media.hold_back import RecordingCounters
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.restarts import Restarts
from services.recorder.media.segments import at_last
from services.recorder.media.spool import Spool
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.media.track_splitter import FileBegins, FileEnds, Step, TrackSplitter
from services.recorder.media.webm_writer import WebmWriter
from services.recorder.media.written import Written

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that nothing more is written into."""

    #: Wall clock of its time zero, ns.
    begin_ns: int
    blocks: Written
    #: False: ffmpeg did not end it well.
    whole: bool


@dataclass(frozen=True, slots=True)
class _OpenFile:
    begin_ns: int
    #: When its ffmpeg was started, by the loop's clock.
    began_at: float
    writer: WebmWriter
    muxer: MatroskaMuxer
    written: Written = field(default_factory=Written)


class TrackPipeline:
    """Takes placed frames, and writes those of one track that were permitted into a file for each stretch of them.

    A file whose ffmpeg breaks off ends there, and the next frame begins another one; while none can begin, frames wait
    in the memory in which they wait for the watermark. What was written goes into `written`, in order.
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
        #: The ffmpeg of a file that broke off, as long as it may still run.
        self._broken: WebmWriter | None = None
        self._restarts = Restarts()
        #: Why a file broke off or could not begin: the last such.
        self.failure: FfmpegError | OSError | None = None
        #: What waits because no file can begin.
        self._steps: deque[Step] = deque()
        self._known_ns = start_ns

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
        """Write what the watermark has passed, as far as it can be written. Raises FfmpegMissingError."""
        for known_ns in self._splitter.held.steps(self._known_ns, watermark_ns):
            if not await self._ready() or not await self._pass_on(known_ns):
                return

    async def finish(self, watermark_ns: int) -> None:
        """Write the rest, if that works within some seconds, and end the file. Raises like `advance`."""
        await at_last(lambda: self._is_finished(watermark_ns))

    async def _is_finished(self, watermark_ns: int) -> bool:
        """Try to write the rest and to end the file."""
        if not await self._ready(at_once=True) or not await self._pass_on(watermark_ns):
            return False
        self._steps += self._splitter.finish()
        await self._follow()
        return True

    async def abort(self) -> None:
        """End ffmpeg if it still runs, whatever becomes of the file, and leave nothing that waits."""
        await self._spool.close()
        file, self._file = self._file, None
        with suppress(FfmpegError):
            if file:
                await file.writer.close()
            if self._broken:
                await self._broken.kill()

    async def _ready(self, *, at_once: bool = False) -> bool:
        """Tell whether something can be written; call it four times a second, so that a broken ffmpeg is noticed."""
        if self._file:
            try:
                self._file.writer.look()
            except FfmpegError as error:
                await self._break_off(self._file.began_at, error)
        return await self._is_gone() and (at_once or self._restarts.is_due(_now()))

    async def _is_gone(self) -> bool:
        """Tell whether the ffmpeg of a file that broke off is gone: there is one at a time."""
        if self._broken:
            try:
                await self._broken.kill()
            except FfmpegStalledError:
                return False
            self._broken = None
        return True

    async def _pass_on(self, watermark_ns: int) -> bool:
        """Write what the watermark has passed, as far as files can begin; tell whether that is all of it."""
        self._known_ns = max(self._known_ns, watermark_ns)
        await self._follow()
        while not self._steps:
            self._steps += self._splitter.advance(watermark_ns)
            await self._follow()
            if self._steps or not await self._spool.bring_back(watermark_ns):
                break
        return not self._steps

    async def _follow(self) -> None:
        """Do what is due, up to where a file cannot begin."""
        blocks: list[Block] = []
        while self._steps:
            match self._steps[0]:
                case FileBegins() as begins:
                    if not await self._begin(begins):
                        return
                case Block() as block:
                    blocks.append(block)
                case FileEnds():
                    await self._write(blocks)
                    blocks = []
                    await self._end()
            self._steps.popleft()
        await self._write(blocks)

    async def _begin(self, file: FileBegins) -> bool:
        """Begin a file; tell whether there is one."""
        began_at = _now()
        try:
            path = await self._path_of(file.begin_ns)
            writer = await WebmWriter.start(self._ffmpeg, path, _log)
        except FfmpegMissingError:
            raise
        except (FfmpegError, OSError) as error:
            await self._break_off(began_at, error)
            return False
        muxer = MatroskaMuxer(file.format, sound=self._kind == "audio")
        self._file = _OpenFile(file.begin_ns, began_at, writer, muxer)
        await self._hand_over(self._file, muxer.header())
        return True

    async def _write(self, blocks: list[Block]) -> None:
        if self._file and blocks:
            self._file.written.add(blocks)
            await self._hand_over(self._file, self._file.muxer.cluster(blocks))

    async def _hand_over(self, file: _OpenFile, data: bytes) -> None:
        try:
            await file.writer.write(data)
        except FfmpegError as error:
            await self._break_off(file.began_at, error)

    async def _end(self) -> None:
        if self._file is None:
            return
        try:
            await self._file.writer.close()
        except FfmpegError as error:
            await self._break_off(self._file.began_at, error)
        else:
            file, self._file = self._file, None
            await self._written(WrittenFile(file.begin_ns, file.written, whole=True))

    async def _break_off(self, began_at: float, error: FfmpegError | OSError) -> None:
        """Let the file be, and let the next frame begin another one when it is time."""
        reason = break_reason(error)
        _log.warning("a file of a track broke off", kind=self._kind, reason=reason, error=str(error))
        BROKEN_OFF.labels(reason).inc()
        self._restarts.break_off(began_at, _now())
        self.failure = error
        file, self._file = self._file, None
        if file:
            self._broken = file.writer
            self._splitter.break_off(file.begin_ns)
            await self._is_gone()
            await self._written(WrittenFile(file.begin_ns, file.written, whole=False))


def _now() -> float:
    return asyncio.get_running_loop().time()
