"""The real ffmpeg, and a pipeline that writes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.recorder.media.ffmpeg import find_ffmpeg
from tests.support.film import Film


@pytest.fixture(scope="session")
def ffmpeg() -> Path:
    return find_ffmpeg(None)


@pytest.fixture
async def film(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Film]:
    """A file that has begun, of a participant who is there and has not said a word about consent."""
    begun = await Film.begin(ffmpeg, tmp_path / "film.webm")
    begun.say(-60_000, "presence", holds=True)
    yield begun
    await begun.pipeline.abort()
