"""The sequencer at work, at the pace at which the relay lets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.concurrency.supervision import supervised
from shared.eventsourcing.store import EventStore, Sequencer

_BATCH = 1000
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 60


class Sequencing:
    """Counts what was given its global position."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._count = 0
        self._more = asyncio.Event()

    async def run(self) -> None:
        while True:
            count = await self._sequencer.sequence(_BATCH)
            self._count += count
            self._more.set()
            if count < _BATCH:
                await asyncio.sleep(_POLL_SECONDS)

    async def until(self, count: int) -> None:
        """Wait until so many were sequenced. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._count < count:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def sequencing(store: EventStore) -> AsyncIterator[Sequencing]:
    """Sequence while the context lasts; what waits at its beginning is sequenced, and not counted."""
    async with store.lead() as sequencer:
        while await sequencer.sequence(_BATCH):
            pass
        running = Sequencing(sequencer)
        async with supervised(running.run()):
            yield running
