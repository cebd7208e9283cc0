"""The event log on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from shared.eventsourcing.errors import DuplicateEventError, NothingToAppendError
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.group_append import AppendRequest, AppendResult, GroupAppend
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.sessions import own_session

#: Whoever holds this advisory lock of the database is its sequencer.
_SEQUENCER_LOCK = 7_205_759_404
_LEADER_POLL_SECONDS = 0.5

_APPEND = "SELECT * FROM append_requests($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"

_COLUMNS = """e.stream, e.position, o.global_position, e.id, e.type, e.payload, e.occurred_at, e.actor,
    e.causation_id, e.correlation_id"""

_READ = f"""SELECT {_COLUMNS} FROM events e LEFT JOIN global_order o USING (number)
    WHERE e.stream = $1 AND e.position > $2 ORDER BY e.position"""  # noqa: S608  only constants go in

_READ_ALL = f"""SELECT {_COLUMNS} FROM global_order o JOIN events e USING (number)
    WHERE o.global_position > $1 ORDER BY o.global_position LIMIT $2"""  # noqa: S608  only constants go in

_HEAD = "SELECT coalesce(max(global_position), 0) FROM global_order"


class PostgresEventStore:
    """Streams in one table, their order in another. `pool` belongs to the caller."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._appends = GroupAppend(self._append_together)

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if not events:
            raise NothingToAppendError(stream)
        return await self._appends.append(AppendRequest(stream, expected, tuple(events)))

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        with outages_told():
            return [_stored(row) for row in await self._pool.fetch(_READ, stream, after)]

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        with outages_told():
            return [_stored(row) for row in await self._pool.fetch(_READ_ALL, after, limit)]

    async def head(self) -> int:
        with outages_told():
            position: int = await self._pool.fetchval(_HEAD)
        return position

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[PostgresSequencer]:
        async with own_session(self._pool) as connection:
            await _win_leadership(connection)
            yield PostgresSequencer(connection)

    async def _append_together(self, requests: Sequence[AppendRequest]) -> list[AppendResult]:
        """Append in one transaction. Raises LogUnavailableError, and DuplicateEventError for all if one is stored."""
        each = [
            (n, request, event, offset)
            for n, request in enumerate(requests, 1)
            for offset, event in enumerate(request.events, 1)
        ]
        with outages_told(), _duplicates_told(requests):
            rows = await self._pool.fetch(
                _APPEND,
                [request.stream for request in requests],
                [request.expected for request in requests],
                [len(request.events) for request in requests],
                [n for n, _, _, _ in each],
                [request.expected + offset for _, request, _, offset in each],
                [event.id for _, _, event, _ in each],
                [event.type for _, _, event, _ in each],
                [event.payload for _, _, event, _ in each],
                [event.occurred_at for _, _, event, _ in each],
                [event.actor for _, _, event, _ in each],
                [event.causation_id for _, _, event, _ in each],
                [event.correlation_id for _, _, event, _ in each],
            )
        return [AppendResult(*row) for row in rows]


class PostgresSequencer:
    """Sequences on the very connection that holds the leader's lock: with it, leadership is gone too."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def sequence(self, limit: int = 1000) -> int:
        with outages_told():
            count: int = await self._connection.fetchval("SELECT sequence_pending($1)", limit)
        return count


async def _win_leadership(connection: asyncpg.Connection) -> None:
    with outages_told():
        # Tried again and again, not waited for: a statement that waits would keep old rows from being cleaned.
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _SEQUENCER_LOCK):  # noqa: ASYNC110
            await asyncio.sleep(_LEADER_POLL_SECONDS)


def _stored(row: asyncpg.Record) -> StoredEvent:
    return StoredEvent(*row)


@contextmanager
def _duplicates_told(requests: Sequence[AppendRequest]) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise DuplicateEventError(requests[0].stream, str(error.detail)) from error
