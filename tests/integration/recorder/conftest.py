"""The real ffmpeg with a pipeline that writes with it, and who takes care of a session: fakes, and a whole recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.settings import RecorderSettings
from shared.eventsourcing import process_manager
from tests.integration.recorder.house import House, open_house
from tests.support.coordination import Coordination
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


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Coordination:
    """A session of which nobody takes care yet; who will, looks often for what time makes due."""
    monkeypatch.setattr(process_manager, "_TICK_SECONDS", 0.02)
    return Coordination()


@pytest.fixture
async def coordinated(meeting: Coordination) -> AsyncIterator[Coordination]:
    async with meeting.gateway(), meeting.recorder():
        yield meeting


@pytest.fixture
async def house(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A relay on a real log and a real broker. Who does not come is waited for, for a second."""
    settings = RecorderSettings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, participant_grace=1)
    async with open_house(settings) as one:
        yield one
