"""Runs the ffmpeg that makes a merge: at low priority, no longer than this process lives, and watched."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.recorder.media.ffmpeg import LAST_WORDS_BYTES, run
from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegStalledError
from services.recorder.media.gives_way import giving_way
from services.recorder.merging.errors import EncoderMissingError
from shared.concurrency.supervision import single_error

#: Neither further in the merge nor in the file for so long: it will not get on any more.
_STALLED_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_LISTING_SECONDS = 10.0

#: Hears how many microseconds of the merge are made.
OnProgress = Callable[[int], None]


async def check_encoders(ffmpeg: Path, needed: tuple[str, ...]) -> None:
    """Raise EncoderMissingError if this ffmpeg cannot write what is needed."""
    listing, _ = await run([str(ffmpeg), "-nostdin", "-hide_banner", "-encoders"], _LISTING_SECONDS)
    # ` A....D aac    AAC (Advanced Audio Coding)`
    known = {words[1] for line in listing.decode().splitlines() if len(words := line.split()) > 1}
    if missing := [encoder for encoder in needed if encoder not in known]:
        raise EncoderMissingError(str(ffmpeg), missing)


async def run_merge(argv: list[str], target: Path, on_progress: OnProgress) -> None:
    """Run ffmpeg until it has written `target`. Raises FfmpegFailedError and FfmpegStalledError.

    Cancelled, it is killed at once.
    """
    process = await _spawn(argv)
    assert process.stdout is not None
    assert process.stderr is not None
    watch = _Watch(target)
    try:
        with single_error():
            async with asyncio.TaskGroup() as readers:
                readers.create_task(_read_progress(process.stdout, watch, on_progress))
                said = readers.create_task(_read_end(process.stderr))
                await watch.until(readers.create_task(process.wait()))
    finally:
        await _reap(process)
    if process.returncode != 0:
        raise FfmpegFailedError(process.returncode or 0, said.result())


async def _spawn(argv: list[str]) -> Process:
    """Start ffmpeg in a session of its own, where a terminal's Ctrl-C does not reach it."""
    return await asyncio.create_subprocess_exec(
        *giving_way(argv), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
    )


@dataclass(slots=True)
class _Watch:
    """Sees whether ffmpeg gets on: in the merge, or at the end, when it moves the index to the front, in the file."""

    target: Path
    out_us: int = 0

    async def until(self, ended: asyncio.Task[int]) -> None:
        """Wait for the end. Raises FfmpegStalledError."""
        loop = asyncio.get_running_loop()
        last, since = self._place(), loop.time()
        while not ended.done():
            await asyncio.wait({ended}, timeout=_LOOK_SECONDS)
            if (place := self._place()) != last:
                last, since = place, loop.time()
            if loop.time() - since > _STALLED_SECONDS:
                raise FfmpegStalledError(f"making {self.target.name}", _STALLED_SECONDS)

    def _place(self) -> tuple[int, int]:
        try:
            return self.out_us, self.target.stat().st_mtime_ns
        except FileNotFoundError:
            return self.out_us, 0


async def _read_progress(stdout: asyncio.StreamReader, watch: _Watch, on_progress: OnProgress) -> None:
    """Read lines `key=value`; out_time_us is N/A until something is made."""
    while line := await stdout.readline():
        key, _, value = line.decode().strip().partition("=")
        if key == "out_time_us" and value.isdigit():
            watch.out_us = int(value)
            on_progress(watch.out_us)


async def _read_end(stderr: asyncio.StreamReader) -> str:
    """Read to the end (a full pipe would stop ffmpeg), and keep that."""
    tail = bytearray()
    while chunk := await stderr.read(LAST_WORDS_BYTES):
        tail += chunk
        del tail[:-LAST_WORDS_BYTES]
    return tail.decode(errors="replace")


async def _reap(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        # Not wait(): asyncio sees the end of a process only after its pipes were read to theirs.
        await process.communicate()
