"""Clients that write events: to the log, and to a bare table beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from services.bench.load import Client
from services.bench.supply import Supply
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.event_id import new_event_id
from shared.eventsourcing.store import EventStore

#: Events after which a client begins a new stream.
_STREAM_LENGTH = 10

#: The columns of an event that is appended, and nothing else but a primary key.
_CREATE = "CREATE TABLE bare (LIKE pending_events INCLUDING DEFAULTS INCLUDING IDENTITY, PRIMARY KEY (number))"

_COLUMNS = "id", "stream", "position", "type", "payload", "occurred_at", "actor", "causation_id", "correlation_id"

_INSERT = f"INSERT INTO bare ({', '.join(_COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608


class _Place:
    """Where a client's next events go: a stream of its own, and after a while the next one."""

    def __init__(self) -> None:
        self.stream = self._begun()
        self.head = 0

    def advance(self, events: int) -> None:
        self.head += events
        if self.head >= _STREAM_LENGTH:
            self.stream, self.head = self._begun(), 0

    def _begun(self) -> str:
        return f"participant-recording-{new_event_id()}"


def log_writer(store: EventStore, supply: Supply, batch: int) -> Client:
    """Return a client that appends so many events at a time."""
    place = _Place()

    async def write() -> int:
        await store.append(place.stream, place.head, [supply.new_event() for _ in range(batch)])
        place.advance(batch)
        return batch

    return write


def bare_writer(connection: asyncpg.Connection, supply: Supply, batch: int) -> Client:
    """Return a client that writes the same rows by one INSERT with its own commit, or where they are many by COPY."""
    place = _Place()

    async def write() -> int:
        rows = [_row(place, n, supply.new_event()) for n in range(1, batch + 1)]
        if batch == 1:
            await connection.execute(_INSERT, *rows[0])
        else:
            await connection.copy_records_to_table("bare", records=rows, columns=_COLUMNS)
        place.advance(batch)
        return batch

    return write


@asynccontextmanager
async def bare_table(url: str, clients: int) -> AsyncIterator[list[asyncpg.Connection]]:
    """Make the bare table, and a connection to it for each client."""
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(clients):
            connections.append(connection := await asyncpg.connect(url))
            stack.push_async_callback(connection.close)
        await connections[0].execute(_CREATE)
        yield connections


def _row(place: _Place, number: int, event: NewEvent) -> tuple[object, ...]:
    return (
        event.id,
        place.stream,
        place.head + number,
        event.type,
        event.payload,
        event.occurred_at,
        event.actor,
        event.causation_id,
        event.correlation_id,
    )
