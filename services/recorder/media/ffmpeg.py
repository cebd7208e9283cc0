"""ffmpeg: where it is, and how it is run.

ffmpeg-python builds the arguments; asyncio runs them (ffmpeg-python's own `run` would block).
"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python
import imageio_ffmpeg

from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegMissingError, FfmpegStalledError
from shared.concurrency.supervision import single_error

#: How much of the end of ffmpeg's stderr is kept, in bytes.
LAST_WORDS_BYTES = 2048
#: The same of an ffmpeg that is asked what it has to say.
_MOST_WORDS_BYTES = 64 * 1024
#: How much of its stdout is handed on at a time.
_PIECE_BYTES = 64 * 1024


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
    """Run ffmpeg to its end, at most `patience` seconds; return its stdout, which must be small, and its stderr."""
    stdout = bytearray()

    async def keep(piece: bytes) -> None:
        stdout.extend(piece)

    words = await stream(argv, patience, keep)
    return bytes(stdout), words


async def stream(argv: list[str], patience: float, take: Callable[[bytes], Awaitable[None]]) -> str:
    """Run ffmpeg as `run` does, and hand on each piece of its stdout as it comes; return the end of its stderr."""
    process = await spawn(argv, stdin=DEVNULL, stdout=PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    words = bytearray()
    try:
        async with asyncio.timeout(patience):
            with single_error():
                async with asyncio.TaskGroup() as readers:
                    readers.create_task(_read(process.stdout, take))
                    readers.create_task(read_end(process.stderr, words, _MOST_WORDS_BYTES))
            await process.wait()
    except TimeoutError:
        raise FfmpegStalledError(f"running {argv[-1]}", patience) from None
    finally:
        await _reap(process)
    if process.returncode != 0:
        raise FfmpegFailedError(process.returncode or 0, text(words[-LAST_WORDS_BYTES:]))
    return text(words)


async def _read(pipe: asyncio.StreamReader, take: Callable[[bytes], Awaitable[None]]) -> None:
    while piece := await pipe.read(_PIECE_BYTES):
        await take(piece)


async def read_end(pipe: asyncio.StreamReader, end: bytearray, size: int) -> None:
    """Read to the end (a full pipe would stop ffmpeg), and keep so many bytes of it."""
    while piece := await pipe.read(LAST_WORDS_BYTES):
        end += piece
        del end[:-size]


def text(words: bytearray) -> str:
    """Return what ffmpeg wrote, whatever it is."""
    return words.decode(errors="replace")


async def spawn(argv: list[str], stdin: int, stdout: int) -> Process:
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
