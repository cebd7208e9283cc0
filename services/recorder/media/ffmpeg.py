"""ffmpeg: where it is, how it is run, and the one process that writes a participant's WebM.

ffmpeg-python builds the arguments; asyncio runs them (ffmpeg-python's own `run` would block).

FfmpegError
├── FfmpegMissingError   there is no binary to run
├── FfmpegStalledError   it runs but does not get on
└── FfmpegFailedError    it ended, and not well
"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python
import imageio_ffmpeg
from structlog.typing import FilteringBoundLogger

#: How much of the end of ffmpeg's stderr is kept, in bytes.
LAST_WORDS_BYTES = 2048
#: A killed ffmpeg loses at most the cluster it is building: 250 ms. 100 ms costs a fifth more CPU.
CLUSTER_TIME_LIMIT_MS = 250


class FfmpegError(Exception):
    """ffmpeg did not do what was asked."""


class FfmpegMissingError(FfmpegError):
    """There is no ffmpeg to run."""


class FfmpegStalledError(FfmpegError):
    """ffmpeg is alive and does not get on: a hanging disk, most likely."""

    def __init__(self, doing: str, seconds: float) -> None:
        self.doing = doing
        self.seconds = seconds
        super().__init__(f"ffmpeg did not get on for {seconds:g} s {doing}: see whether its disk hangs")


class FfmpegFailedError(FfmpegError):
    """ffmpeg ended, and not well; a negative code is the signal that ended it."""

    def __init__(self, returncode: int, last_words: str) -> None:
        self.returncode = returncode
        self.last_words = last_words
        said = last_words.strip() or "nothing"
        super().__init__(f"ffmpeg ended with status {returncode}; see its last words for the cause: {said}")


def find_ffmpeg(configured: str | None) -> Path:
    """Return the configured binary, else the one on PATH, else the one in the imageio-ffmpeg wheel."""
    if configured:
        return _runnable(configured)
    found = shutil.which("ffmpeg") or _ffmpeg_of_wheel()
    if found is None:
        raise FfmpegMissingError("No ffmpeg was found: install it, or set ONRECORD_FFMPEG to its path.")
    return Path(found)


def _runnable(configured: str) -> Path:
    found = shutil.which(configured)
    if found is None:
        raise FfmpegMissingError(
            f"ONRECORD_FFMPEG is {configured!r}, where no program is: set it to ffmpeg's path, or unset it."
        )
    return Path(found)


def _ffmpeg_of_wheel() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def file_url(path: Path) -> str:
    """Name a path to ffmpeg: without `file:`, `-a.webm` would be an option and `a:b` a protocol."""
    return f"file:{path}"


def arguments(ffmpeg: Path, output: Any, *switches: str) -> list[str]:
    """Return the argv of an ffmpeg-python output, with switches such as `-y` in front."""
    argv: list[str] = ffmpeg_python.compile(output, cmd=[str(ffmpeg), "-nostdin", "-hide_banner", *switches])
    return argv


async def run(argv: list[str], patience: float) -> tuple[bytes, str]:
    """Run ffmpeg to its end, at most `patience` seconds; return its stdout and stderr."""
    process = await _spawn(argv, stdin=DEVNULL, stdout=PIPE)
    try:
        async with asyncio.timeout(patience):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        raise FfmpegStalledError(f"running {argv[-1]}", patience) from None
    finally:
        await _reap(process)
    words = stderr.decode(errors="replace")
    if process.returncode != 0:
        raise FfmpegFailedError(process.returncode or 0, words[-LAST_WORDS_BYTES:])
    return stdout, words


async def _spawn(argv: list[str], stdin: int, stdout: int) -> Process:
    """Start ffmpeg in a session of its own, where a terminal's Ctrl-C does not reach it."""
    try:
        return await asyncio.create_subprocess_exec(
            *argv, stdin=stdin, stdout=stdout, stderr=PIPE, start_new_session=True
        )
    except (FileNotFoundError, PermissionError):
        raise FfmpegMissingError(f"{argv[0]} cannot be run: set ONRECORD_FFMPEG to ffmpeg's path.") from None


async def _reap(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        # Not wait(): asyncio sees the end of a process only after its pipes were read to theirs.
        await process.communicate()


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
        _claim(path)
        try:
            process = await _spawn(_writer_arguments(ffmpeg, path), stdin=PIPE, stdout=DEVNULL)
        except BaseException:
            _give_up(path)
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
        return self._tail.decode(errors="replace")

    async def write(self, data: bytes) -> None:
        """Hand data to ffmpeg; wait while it has more than asyncio's buffer (64 KiB) to read."""
        if self._stdin.is_closing() or self._process.returncode is not None:
            raise await self._failure()
        self._stdin.write(data)
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
        """Read stderr to its end (a full pipe would stop ffmpeg), then collect the process."""
        while chunk := await stderr.read(LAST_WORDS_BYTES):
            self._tail += chunk
            del self._tail[:-LAST_WORDS_BYTES]
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
    # analyzeduration: 1 us, the header says everything; a stream that leaves something to find out is read for
    # up to 5 s before a byte is written. Never `-fflags nobuffer`: it loses what was analysed.
    source = ffmpeg_python.input("pipe:0", format="matroska", analyzeduration=1)
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
