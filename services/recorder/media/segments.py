"""What one file is written into: one ffmpeg after another, each into a segment of its own.

Where an ffmpeg breaks off, the next one begins with what was written lately: what of it is in the broken segment as
well is left out when the segments are joined (`joint.py`). So usually nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from services.recorder.media.counting import BROKEN_OFF
from services.recorder.media.ffmpeg_errors import FfmpegError, FfmpegStalledError, break_reason
from services.recorder.media.frame import Block
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.recent import RecentBlocks
from services.recorder.media.restarts import Restarts
from services.recorder.media.webm_writer import WebmWriter

#: How often, and how far apart, it is tried to write what could not be written yet when a file ends.
_LAST_ATTEMPTS, _LAST_PAUSE_SECONDS = 10, 0.5
#: How long ffmpeg may take to end a segment.
_CLOSING_SECONDS = 5.0


class Segments:
    """The segments of one file, of which the newest is written; the others broke off."""

    def __init__(self, ffmpeg: Path, path_of: Callable[[int], Awaitable[Path]], log: FilteringBoundLogger) -> None:
        """`path_of` tells where the segment of a number goes, which counts from 1."""
        self._ffmpeg = ffmpeg
        self._path_of = path_of
        self._log = log
        self._writer: WebmWriter | None = None
        self._began_at = 0.0
        self._muxer: MatroskaMuxer | None = None
        self._recent = RecentBlocks()
        self._restarts = Restarts()
        #: Why nothing can be written now, and since when; None: it can.
        self._failure: FfmpegError | OSError | None = None
        self._failed_at = 0.0
        #: Those that are over and hold something, in order.
        self.paths: list[Path] = []
        #: Whether one ffmpeg has written all of it so far.
        self.is_one = True
        #: Whether the newest one holds no picture yet that needs none before it, and another one came before.
        self.lacks_keyframe = False

    @classmethod
    async def start(
        cls, ffmpeg: Path, path_of: Callable[[int], Awaitable[Path]], log: FilteringBoundLogger
    ) -> Segments:
        """Begin the first segment. Raises FfmpegError and OSError."""
        segments = cls(ffmpeg, path_of, log)
        await segments._start()
        return segments

    @property
    def can_be_written(self) -> bool:
        """Whether an ffmpeg takes what is written, as far as is known."""
        return self._failure is None

    async def ready(self, *, at_once: bool = False) -> bool:
        """Tell whether it can be written; where the last segment broke off, begin another one when it is time.

        Call it four times a second, also when there is nothing to write: so a broken one is noticed.
        """
        if self._writer and self._failure is None:
            try:
                self._writer.look()
            except FfmpegError as error:
                self._break_off(error)
        if self._failure and await self._is_gone() and (at_once or self._restarts.is_due(_now())):
            await self._go_on()
        return self._failure is None

    async def begin(self, muxer: MatroskaMuxer) -> None:
        """Write the header, which is that of all segments."""
        self._muxer = muxer
        await self._hand_over(muxer.header())

    async def write(self, blocks: Sequence[Block]) -> None:
        """Write blocks after `begin`. Where that fails they are not lost: they are written into the next segment."""
        assert self._muxer is not None
        self._recent.add(blocks, _now() if self._failure is None else self._failed_at)
        if self.lacks_keyframe:
            self.lacks_keyframe = not _has_keyframe(blocks)
        await self._hand_over(self._muxer.cluster(blocks))

    async def insist(self) -> None:
        """Wait until it can be written, for some seconds at most: the file ends."""
        await at_last(lambda: self.ready(at_once=True))

    async def close(self) -> None:
        """End the last segment; what a broken one lacks is brought into another, if that works within some seconds.

        Raises FfmpegError or OSError if there is no segment that holds anything.
        """
        await at_last(self._is_closed)
        await self.abort()
        if self._failure and not self.paths:
            raise self._failure

    async def abort(self) -> None:
        """End ffmpeg if it still runs, whatever becomes of the segment."""
        if self._writer:
            with suppress(FfmpegError):
                await (self._writer.kill() if self._failure else self._writer.close(_CLOSING_SECONDS))
            await self._settle(self._writer)

    async def _is_closed(self) -> bool:
        """Try to end the last segment well."""
        if not await self.ready(at_once=True):
            return False
        assert self._writer is not None
        try:
            await self._writer.close(_CLOSING_SECONDS)
        except FfmpegError as error:
            self._break_off(error)
            return False
        await self._settle(self._writer)
        return True

    async def _hand_over(self, data: bytes) -> None:
        if self._writer is None or self._failure:
            return
        try:
            await self._writer.write(data)
        except FfmpegError as error:
            self._break_off(error)

    def _break_off(self, error: FfmpegError | OSError) -> None:
        self._failure, self._failed_at = error, _now()
        self.is_one = False
        self._restarts.break_off(self._began_at, self._failed_at)
        reason = break_reason(error)
        BROKEN_OFF.labels(reason).inc()
        self._log.warning("a segment broke off", number=len(self.paths) + 1, reason=reason, error=str(error))

    async def _is_gone(self) -> bool:
        """End the ffmpeg that broke off, and tell whether it is gone: there is one at a time, whatever happens.

        It may take long to go where the disk hangs, and then another one would hang as well.
        """
        if self._writer is None:
            return True
        try:
            await self._writer.kill()
        except FfmpegStalledError:
            return False
        await self._settle(self._writer)
        return True

    async def _settle(self, writer: WebmWriter) -> None:
        """Keep the segment of an ffmpeg that has ended if it holds anything."""
        self._writer = None
        if await asyncio.to_thread(_holds_something, writer.path):
            self.paths.append(writer.path)

    async def _go_on(self) -> None:
        """Begin another segment with what was written lately."""
        try:
            await self._start()
            self._failure = None
            await self._repeat()
        except (FfmpegError, OSError) as error:
            self._break_off(error)

    async def _start(self) -> None:
        self._began_at = _now()
        path = await self._path_of(len(self.paths) + 1)
        self._writer = await WebmWriter.start(self._ffmpeg, path, self._log)

    async def _repeat(self) -> None:
        if self._muxer:
            blocks = self._recent.again(_now())
            self.lacks_keyframe = not _has_keyframe(blocks)
            await self._hand_over(self._muxer.header() + self._muxer.cluster(blocks))


async def at_last(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Attempt what is to be done when a file ends until it is done, for some seconds at most."""
    for _ in range(_LAST_ATTEMPTS):
        if await attempt():
            return
        await asyncio.sleep(_LAST_PAUSE_SECONDS)


def _has_keyframe(blocks: Sequence[Block]) -> bool:
    return any(block.kind == "video" and block.keyframe for block in blocks)


def _holds_something(path: Path) -> bool:
    """Tell whether the file does; one that is empty is removed, and its name is free for the next."""
    try:
        if path.stat().st_size:
            return True
        path.unlink()
    except OSError:
        return False
    return False


def _now() -> float:
    return asyncio.get_running_loop().time()
