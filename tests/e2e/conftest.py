"""The running system, and the media that is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.demo.media import Clip, encode_clip
from services.recorder.media.ffmpeg import find_ffmpeg
from services.system import System, system
from tests.support.meeting import Meeting, room_of


@pytest.fixture(scope="session")
def ffmpeg() -> Path:
    return find_ffmpeg(None)


@pytest.fixture(scope="session")
def clip(ffmpeg: Path) -> Clip:
    """Ten seconds of picture and sound; no two frames and no two packets are alike."""
    clip = asyncio.run(encode_clip(ffmpeg, 10))
    assert len(set(clip.video)) == len(clip.video) == 300
    assert len(set(clip.audio)) == len(clip.audio)
    return clip


@pytest.fixture
async def running(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[System]:
    """All services in one process, on real servers."""
    async with system(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, http_port=0) as all_of_it:
        yield all_of_it


@pytest.fixture
async def room(running: System) -> AsyncIterator[Meeting]:
    """A room with its moderator, mona."""
    async with room_of(running) as in_room:
        yield in_room
