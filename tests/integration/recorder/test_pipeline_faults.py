"""What the pipeline does when ffmpeg is gone."""

from __future__ import annotations

import os
import signal

import pytest

from services.recorder.media.ffmpeg_errors import FfmpegError
from tests.support.film import Film, keyframe, sound


async def test_a_killed_ffmpeg_is_an_error_of_the_next_write(film: Film) -> None:
    film.say(-1000, holds=True)
    film.send(*(sound(at) for at in range(0, 1000, 20)))
    await film.known_until(1000)
    os.kill(film.writer.pid, signal.SIGKILL)
    with pytest.raises(FfmpegError, match="status -9"):
        await write_until_it_fails(film, 1000)


async def test_a_killed_ffmpeg_is_an_error_of_the_end(film: Film) -> None:
    film.say(-1000, holds=True)
    film.send(keyframe(0))
    await film.known_until(1000)
    os.kill(film.writer.pid, signal.SIGKILL)
    with pytest.raises(FfmpegError, match="status -9"):
        await film.end(2000)
    await film.pipeline.abort()


async def write_until_it_fails(film: Film, begin_ms: int) -> None:
    """Send and write a second at a time: what is in the pipe already is no error yet."""
    for second in range(begin_ms, 3_600_000, 1000):
        film.send(*(sound(at) for at in range(second, second + 1000, 20)))
        await film.known_until(second + 1000)
