"""The one ffmpeg process that writes a WebM while it is recorded."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ffmpeg as ffmpeg_python
from structlog.typing import FilteringBoundLogger

from services.recorder.media.ffmpeg import LAST_WORDS_BYTES, arguments, file_url, read_end, spawn, text
from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegStalledError

#: A killed ffmpeg loses at most the cluster it is building: 250 ms. 100 ms costs a fifth more CPU.
CLUSTER_TIME_LIMIT_MS = 250


class WebmWriter:
    """One ffmpeg process that writes one participant's WebM from Matroska on its stdin.

    The file is readable up to its last second at any moment. If this process dies, ffmpeg sees the end of its
    stdin and finishes the file. Close it always: an unclosed writer is a running process.
    """

    def __init__(self, process: Process, path: Path, log: FilteringBoundLogger, patience: float) -> None:
        assert process.stdin is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._path = path
        self._log = log
        self._patience = patience
        self._tail = bytearray()
        self._exit = asyncio.create_task(self._watch(process.stderr))

    @classmethod
    async def start(cls, ffmpeg: Path, path: Path, log: FilteringBoundLogger, patience: float = 10) -> WebmWriter:
        """Start ffmpeg on a new file; a write waits at most `patience` seconds.

        Raises FileExistsError: what was recorded is never written over.
        """
        await asyncio.to_thread(_claim, path)
        try:
            process = await spawn(_writer_arguments(ffmpeg, path), stdin=PIPE, stdout=DEVNULL)
        except BaseException:
            await asyncio.to_thread(_give_up, path)
            raise
        log.info("ffmpeg started", path=str(path), pid=process.pid)
        return cls(process, path, log, patience)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of what ffmpeg wrote to its stderr, at most about 2 kB."""
        return text(self._tail)

    async def write(self, data: bytes) -> None:
        """Hand data to ffmpeg; wait while it has more than asyncio's buffer (64 KiB) to read."""
        if self._stdin.is_closing() or self._process.returncode is not None:
            raise await self._failure()
        self._stdin.write(data)
        if not self._stdin.transport.get_write_buffer_size():
            return  # the pipe has taken it all, as nearly always: a timeout would cost more than writing did
        try:
            async with asyncio.timeout(self._patience):
                await self._stdin.drain()
        except TimeoutError:
            raise FfmpegStalledError(f"reading for {self._path}", self._patience) from None
        except ConnectionError:
            raise await self._failure() from None

    async def close(self, patience: float = 10) -> None:
        """End the file: give ffmpeg `patience` seconds to do so, as many after SIGTERM, then kill it."""
        if self._process.returncode is not None:
            # Even with status 0: it ended before its input did.
            raise await self._failure()
        self._stdin.close()
        if await self._end(patience) != 0:
            raise await self._failure()
        self._log.info("ffmpeg ended", path=str(self._path), pid=self.pid)

    async def _failure(self) -> FfmpegFailedError:
        returncode = await self._end(self._patience)
        self._log.warning("ffmpeg failed", path=str(self._path), returncode=returncode, said=self.last_words)
        return FfmpegFailedError(returncode, self.last_words)

    async def _end(self, patience: float) -> int:
        steps: tuple[Callable[[], None], ...] = (_let_be, self._process.terminate, self._process.kill)
        for step in steps:
            with suppress(ProcessLookupError):
                step()
            await asyncio.wait({self._exit}, timeout=patience)
            if self._exit.done():
                return self._exit.result()
        raise FfmpegStalledError(f"ending {self._path}", patience)

    async def _watch(self, stderr: asyncio.StreamReader) -> int:
        await read_end(stderr, self._tail, LAST_WORDS_BYTES)
        return await self._process.wait()


def _claim(path: Path) -> None:
    """Create the file. Not ffmpeg's `-n`: ffmpeg 9 then ends with status 0, having written nothing."""
    path.touch(exist_ok=False)


def _give_up(path: Path) -> None:
    """Remove the file that nobody will write."""
    path.unlink()


def _let_be() -> None:
    """Do nothing: ffmpeg ends by itself when its stdin does."""


def _writer_arguments(ffmpeg: Path, path: Path) -> list[str]:
    # nofind_stream_info: the header says everything. Else ffmpeg reads for up to 5 s what leaves something to find out,
    # and decodes a first VP9 picture, of which it takes the size of the lowest layer for that of the file.
    source = ffmpeg_python.input("pipe:0", format="matroska", nofind_stream_info=None)
    # flush_packets and cluster_time_limit only help together: without the first, 256 KiB wait in ffmpeg's
    # buffer; without the second, 5 s in a cluster.
    output = source.output(
        file_url(path),
        map="0",
        codec="copy",
        format="webm",
        flush_packets=1,
        cluster_time_limit=CLUSTER_TIME_LIMIT_MS,
    )
    return arguments(ffmpeg, output, "-y", "-loglevel", "warning")
