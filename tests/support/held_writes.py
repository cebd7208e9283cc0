"""An ffmpeg that takes nothing for a while, so that whoever writes to it is in the midst of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.recorder.media.webm_writer import WebmWriter


@asynccontextmanager
async def held_writes(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Hold writes up while the context lasts; yield what is set when one is held."""
    held, released, write = asyncio.Event(), asyncio.Event(), WebmWriter.write

    async def held_up(writer: WebmWriter, data: bytes) -> None:
        held.set()
        await released.wait()
        await write(writer, data)

    monkeypatch.setattr(WebmWriter, "write", held_up)
    try:
        yield held
    finally:
        released.set()
