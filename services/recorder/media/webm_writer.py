"""One ffmpeg process that writes a WebM from what is put into its pipe."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import ffmpeg as ffmpeg_python
from structlog.typing import FilteringBoundLogger

from services.recorder.media.ffmpeg import LAST_WORDS_BYTES, arguments, file_url, read_end, spawn, text
from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegStalledError
from services.recorder.media.pipe import Pipe

#: A killed ffmpeg loses at most the cluster it is building: 250 ms. 100 ms costs a fifth more CPU.
CLUSTER_TIME_LIMIT_MS = 250
#: Keep the file readable while it grows. They only help together: without the first, 256 KiB wait in ffmpeg's buffer;
#: without the second, 5 s in a cluster.
READABLE = {"flush_packets": 1, "cluster_time_limit": CLUSTER_TIME_LIMIT_MS}
#: An ffmpeg that has data and takes none of it for so long is stuck.
STUCK_SECONDS = 0.7
#: The same of one that has not taken any yet: a busy machine may take long to start it.
_STARTING_SECONDS = 5.0
#: No more than that counts between two looks: where we are late ourselves, ffmpeg had no time either.
_LOOK_SECONDS = 0.25


class WebmWriter:
    """One ffmpeg process that writes one WebM from Matroska on its stdin.

    By default the file is readable up to its last second at any moment. If this process dies, ffmpeg sees the end of
    its stdin and finishes the file. Close or kill it always: a writer that was not is a running process.
    """

    def __init__(self, process: Process, pipe: Pipe, path: Path, log: FilteringBoundLogger, patience: float) -> None:
        assert process.stderr is not None
        self.path = path
        self._process = process
        self._pipe = pipe
        self._log = log
        self._patience = patience
        self._tail = bytearray()
        #: How much of what was written it had taken, and how long it has taken nothing of the rest.
        self._taken = 0
        self._idle_seconds = 0.0
        self._looked_at = asyncio.get_running_loop().time()
        self._exit = asyncio.create_task(self._watch(process.stderr))

    @classmethod
    async def start(
        cls,
        ffmpeg: Path,
        path: Path,
        log: FilteringBoundLogger,
        patience: float = STUCK_SECONDS,
        options: Mapping[str, int | str] = READABLE,
    ) -> WebmWriter:
        """Start ffmpeg on a new file; it is stuck if it takes nothing for `patience` seconds.

        Raises FileExistsError: what was recorded is never written over.
        """
        await asyncio.to_thread(_claim, path)
        pipe = Pipe()
        try:
            process = await spawn(_writer_arguments(ffmpeg, path, options), stdin=pipe.reading_end, stdout=DEVNULL)
        except BaseException:
            pipe.close()
            await asyncio.to_thread(_give_up, path)
            raise
        finally:
            pipe.let_go_of_reading_end()
        log.info("ffmpeg started", path=str(path), pid=process.pid)
        return cls(process, pipe, path, log, patience)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of what ffmpeg wrote to its stderr, at most about 2 kB."""
        return text(self._tail)

    def look(self) -> None:
        """See that it runs and gets on. Raises FfmpegFailedError and FfmpegStalledError; call it every 0.25 s."""
        if self._exit.done():
            raise FfmpegFailedError(self._exit.result(), self.last_words)
        now = asyncio.get_running_loop().time()
        unread = self._pipe.unread
        taken = self._pipe.written - unread
        waited, self._looked_at = min(now - self._looked_at, _LOOK_SECONDS), now
        self._idle_seconds = self._idle_seconds + waited if unread and taken == self._taken else 0.0
        self._taken = taken
        if self._idle_seconds > self._allowed():
            raise self._stalled()

    async def write(self, data: bytes) -> None:
        """Hand data to ffmpeg; wait while the pipe is full. Raises FfmpegFailedError and FfmpegStalledError."""
        if self._pipe.is_closed or self._exit.done():
            raise await self._failure()
        try:
            await self._pipe.write(data, max(self._allowed() - self._idle_seconds, _LOOK_SECONDS))
        except TimeoutError:
            raise self._stalled() from None
        except BrokenPipeError:
            raise await self._failure() from None

    async def close(self, patience: float = 10) -> None:
        """End the file: give ffmpeg `patience` seconds to do so, as many after SIGTERM, then kill it."""
        if self._exit.done():
            # Even with status 0: it ended before its input did.
            raise await self._failure()
        self._pipe.close()
        if await self._end(patience, _let_be, self._process.terminate, self._process.kill) != 0:
            raise await self._failure()
        self._log.info("ffmpeg ended", path=str(self.path), pid=self.pid)

    async def kill(self, patience: float = 1) -> None:
        """Kill ffmpeg, whatever becomes of the file. Raises FfmpegStalledError if the system does not let it go."""
        self._pipe.close()
        await self._end(patience, self._process.kill)

    def _allowed(self) -> float:
        """How long it may take nothing."""
        return self._patience if self._taken else max(self._patience, _STARTING_SECONDS)

    def _stalled(self) -> FfmpegStalledError:
        return FfmpegStalledError(f"reading for {self.path}", self._allowed())

    async def _failure(self) -> FfmpegFailedError:
        self._pipe.close()
        returncode = await self._end(self._patience, _let_be, self._process.terminate, self._process.kill)
        return FfmpegFailedError(returncode, self.last_words)

    async def _end(self, patience: float, *steps: Callable[[], None]) -> int:
        for step in steps:
            with suppress(ProcessLookupError):
                step()
            await asyncio.wait({self._exit}, timeout=patience)
            if self._exit.done():
                return self._exit.result()
        raise FfmpegStalledError(f"ending {self.path}", patience)

    async def _watch(self, stderr: asyncio.StreamReader) -> int:
        await read_end(stderr, self._tail, LAST_WORDS_BYTES)
        returncode = await self._process.wait()
        if returncode or not self._pipe.is_closed:
            self._log.warning("ffmpeg failed", path=str(self.path), returncode=returncode, said=self.last_words)
        return returncode


def _claim(path: Path) -> None:
    """Create the file. Not ffmpeg's `-n`: ffmpeg 9 then ends with status 0, having written nothing."""
    path.touch(exist_ok=False)


def _give_up(path: Path) -> None:
    """Remove the file that nobody will write."""
    path.unlink()


def _let_be() -> None:
    """Do nothing: ffmpeg ends by itself when its stdin does."""


def _writer_arguments(ffmpeg: Path, path: Path, options: Mapping[str, int | str]) -> list[str]:
    # nofind_stream_info: the header says everything. Else ffmpeg reads for up to 5 s what leaves something to find out,
    # and decodes a first VP9 picture, of which it takes the size of the lowest layer for that of the file.
    source = ffmpeg_python.input("pipe:0", format="matroska", nofind_stream_info=None)
    # copyinkf: a segment may begin in the midst of pictures that build on those of the one before.
    output = source.output(file_url(path), map="0", codec="copy", copyinkf=None, format="webm", **options)
    return arguments(ffmpeg, output, "-y", "-loglevel", "warning")
