"""The sequencer on Postgres: one leader, held by an advisory lock, who moves committed events into the log's order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.own_connection import own_connection

#: Whoever holds this advisory lock of the database is its sequencer.
_LOCK = 7_205_759_404
#: How often a standby looks whether the lock is free.
_STANDBY_SECONDS = 0.25
#: Events between two looks at how far numbers are settled.
_LOOK_EVERY = 2000


class PostgresSequencer:
    """Sequences on the very connection that holds the leader's lock: with it, leadership is gone too."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._settled = SettledNumbers()
        self._since_look = 0

    async def sequence(self, limit: int = 1000) -> int:
        with outages_told():
            if self._since_look >= _LOOK_EVERY:
                await self._look()
            count: int = await self._connection.fetchval("SELECT sequence_pending($1, $2)", self._settled.number, limit)
        self._since_look += count
        if count < limit:
            self._settled.swept()
        return count

    async def _look(self) -> None:
        number, appenders = await self._connection.fetchrow("SELECT * FROM appends_under_way()")
        self._settled.look(number, frozenset(appenders))
        self._since_look = 0


class SettledNumbers:
    """Up to which number every event is sequenced or will never be: where to begin to look for the next ones.

    Rows that were taken from `pending_events` stay in its index while a transaction is open that could still see them.
    To pass over hours of them again and again would make the sequencer slower and slower.
    """

    def __init__(self) -> None:
        #: Nothing at or below it is pending, or will be.
        self.number = 0
        self._drawn = 0
        #: Who may still commit a number up to `_drawn`; None: nobody was looked for.
        self._awaited: frozenset[str] | None = None

    def look(self, drawn: int, appenders: frozenset[str]) -> None:
        """Take the last number that was drawn, and who was appending after that."""
        if self._awaited is None:
            self._drawn, self._awaited = drawn, appenders
        else:
            self._awaited &= appenders

    def swept(self) -> None:
        """Take it that everything was sequenced that had been committed at the last look."""
        if self._awaited is not None and not self._awaited:
            self.number, self._awaited = self._drawn, None


@asynccontextmanager
async def leading(pool: asyncpg.Pool) -> AsyncIterator[PostgresSequencer]:
    """Wait until nobody else leads, and lead. Raises LogUnavailableError."""
    async with own_connection(pool) as connection:
        with outages_told():
            # Tried again and again, not waited for: a statement that waits would keep old rows from being cleaned.
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
                await asyncio.sleep(_STANDBY_SECONDS)
        yield PostgresSequencer(connection)
