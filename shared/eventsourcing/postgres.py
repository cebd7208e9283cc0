"""The event log on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, LogIncompleteError
from shared.eventsourcing.event import AppendRequest, NewEvent, StoredEvent, in_stream_order
from shared.eventsourcing.group_append import AppendResult, GroupAppend
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.sequencer import PostgresSequencer, leading

_APPEND = "SELECT * FROM append_requests($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"

_FIELDS = "id, type, payload, occurred_at, actor, causation_id, correlation_id"

_READ = f"""SELECT stream, position, global_position, {_FIELDS} FROM events WHERE stream = $1 AND position > $2
    UNION ALL SELECT stream, position, NULL, {_FIELDS} FROM pending_events WHERE stream = $1 AND position > $2
    UNION ALL SELECT name, head + 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM streams
        WHERE name = $1 AND head > $2
    ORDER BY position"""  # noqa: S608  only constants go in

_READ_ALL = f"""SELECT stream, position, global_position, {_FIELDS} FROM events
    WHERE global_position > $1 ORDER BY global_position LIMIT $2"""  # noqa: S608  only constants go in

_HEAD = "SELECT coalesce(max(global_position), 0) FROM events"

#: What `append_requests` raises when one of requests that belong together cannot be accepted.
_CONFLICT = "OR001"


class PostgresEventStore:
    """The log in the tables of `sql/0001_event_log.sql`. `pool` belongs to the caller."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._appends = GroupAppend(self._append)

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        return await self._appends.append(AppendRequest(stream, expected, tuple(events)))

    async def append_together(self, requests: Sequence[AppendRequest]) -> None:
        await self._append(in_stream_order(requests), together=True)

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        with outages_told():
            events = list(map(_stored, await self._pool.fetch(_READ, stream, after)))
        if events and events[-1].position != after + len(events):
            raise LogIncompleteError(f"stream {stream}", *_hole(after, [event.position for event in events]))
        return events[:-1]  # the last one tells where the stream goes on, be its events there or not

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        with outages_told():
            events = list(map(_stored, await self._pool.fetch(_READ_ALL, after, limit)))
        if events and events[-1].global_position != after + len(events):
            raise LogIncompleteError("the log", *_hole(after, [event.global_position or 0 for event in events]))
        return events

    async def head(self) -> int:
        with outages_told():
            position: int = await self._pool.fetchval(_HEAD)
        return position

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[PostgresSequencer]:
        async with leading(self._pool) as sequencer:
            yield sequencer

    async def _append(self, requests: Sequence[AppendRequest], *, together: bool = False) -> list[AppendResult]:
        """Append in one transaction. Raises LogUnavailableError, and DuplicateEventError for all if one is stored."""
        each = [
            (n, event, position)
            for n, request in enumerate(requests, 1)
            for position, event in enumerate(request.events, request.expected + 1)
        ]
        with outages_told(), _refusals_told(requests):
            rows = await self._pool.fetch(
                _APPEND,
                together,
                [request.stream for request in requests],
                [request.expected for request in requests],
                [len(request.events) for request in requests],
                [n for n, _, _ in each],
                [position for _, _, position in each],
                [event.id for _, event, _ in each],
                [event.type for _, event, _ in each],
                [event.payload for _, event, _ in each],
                [event.occurred_at for _, event, _ in each],
                [event.actor for _, event, _ in each],
                [event.causation_id for _, event, _ in each],
                [event.correlation_id for _, event, _ in each],
            )
        return [AppendResult(*row) for row in rows]


_stored: Callable[[asyncpg.Record], StoredEvent] = StoredEvent._make


def _hole(after: int, positions: Sequence[int]) -> tuple[int, int]:
    """Return the first position that is missing, and the one that is there instead."""
    return next((due, found) for due, found in enumerate(positions, after + 1) if due != found)


@contextmanager
def _refusals_told(requests: Sequence[AppendRequest]) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise DuplicateEventError(requests[0].stream, str(error.detail)) from error
    except asyncpg.PostgresError as error:
        if error.sqlstate != _CONFLICT:
            raise
        refused = next(request for request in requests if request.stream == error.detail)
        raise ConcurrencyConflictError(refused.stream, refused.expected, int(error.message)) from error
