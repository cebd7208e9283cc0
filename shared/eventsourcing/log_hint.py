"""The hint that the log has grown, by LISTEN. It may be lost, so whoever waits for it also looks from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.outages import outages_told

#: Where the sequencer notifies: `sequence_pending` in sql/0001_event_log.sql.
_CHANNEL = "onrecord_log"


class LogHint:
    """Wakes one who waits when the log has grown, or the session that would say so has ended."""

    def __init__(self) -> None:
        self._hinted = asyncio.Event()

    def tell(self, *_: object) -> None:
        self._hinted.set()

    async def wait(self, seconds: float) -> None:
        """Return when there was a hint since the last time, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        self._hinted.clear()


@asynccontextmanager
async def listening(connection: asyncpg.Connection) -> AsyncIterator[LogHint]:
    """Hear hints on this connection. Raises LogUnavailableError."""
    hint = LogHint()
    with outages_told():
        await connection.add_listener(_CHANNEL, hint.tell)
        connection.add_termination_listener(hint.tell)
    try:
        yield hint
    finally:
        with suppress(LogUnavailableError), outages_told():  # the session may be gone, and what it heard with it
            connection.remove_termination_listener(hint.tell)
            await connection.remove_listener(_CHANNEL, hint.tell)
