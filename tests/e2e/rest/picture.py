"""What is to be seen and heard in a file, as ffmpeg decodes it."""

from __future__ import annotations

import array
import asyncio
from asyncio.subprocess import PIPE
from datetime import datetime
from pathlib import Path

#: How often is looked and listened, in Hz.
RATE = 20
_WIDTH, _HEIGHT = 16, 9
_SOUND_HZ = 8000
#: Of 255: what black may have after its way through the codec. Limited range begins at 16.
_BLACK = 24
#: Of 32767: what silence may have.
_SILENT = 20


async def seen(ffmpeg: Path, file: Path) -> list[bool]:
    """Return for each 1 / RATE of a second whether there is anything but black."""
    frames = await _decoded(
        ffmpeg, file, "-an", "-vf", f"fps={RATE},scale={_WIDTH}:{_HEIGHT},format=gray", "-f", "rawvideo"
    )
    size = _WIDTH * _HEIGHT
    return [max(frames[at : at + size]) > _BLACK for at in range(0, len(frames), size)]


async def heard(ffmpeg: Path, file: Path, channel: int = 0) -> list[bool]:
    """Return for each 1 / RATE of a second whether there is anything but silence in a channel: 0 left, 1 right."""
    sound = await _decoded(ffmpeg, file, "-vn", "-ac", "2", "-ar", str(_SOUND_HZ), "-f", "s16le")
    samples = array.array("h", sound)[channel::2]
    step = _SOUND_HZ // RATE
    return [max(map(abs, samples[at : at + step])) > _SILENT for at in range(0, len(samples), step)]


def index(start: str, moment: datetime) -> int:
    """Return where in these lists a moment is; `start` is the recording's."""
    return round((moment - datetime.fromisoformat(start)).total_seconds() * RATE)


async def _decoded(ffmpeg: Path, file: Path, *options: str) -> bytes:
    command = ["-nostdin", "-loglevel", "error", "-i", str(file), *options, "pipe:1"]
    process = await asyncio.create_subprocess_exec(ffmpeg, *command, stdout=PIPE, stderr=PIPE)
    output, errors = await process.communicate()
    assert not errors, errors.decode()
    return output
