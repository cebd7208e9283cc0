"""Events for tests that do not care what happened, and a log to put them in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.store import EventStore
from shared.runtime.database import open_database
from shared.runtime.settings import Settings

LOG_MIGRATIONS = files("shared.eventsourcing") / "sql"
RELAY_MIGRATIONS = files("services.relay") / "sql"


def new_event(
    payload: bytes = b"{}", *, event_id: UUID | None = None, event_type: str = "thing.happened.v1"
) -> NewEvent:
    return NewEvent(
        id=event_id or uuid4(),
        type=event_type,
        payload=payload,
        occurred_at=datetime.now(UTC),
        actor="service:test",
        causation_id=uuid4(),
        correlation_id=uuid4(),
    )


def new_events(count: int) -> list[NewEvent]:
    return [new_event(str(number).encode()) for number in range(count)]


def as_stored(event: Event, context: Context | None = None, position: int = 1) -> StoredEvent:
    """Return the event as the log would hold it."""
    encoded = asdict(encode(event, context or Context.begin("service:test")))
    return StoredEvent(stream=event.stream, position=position, global_position=position, **encoded)


async def append(store: EventStore, stream: str, events: Sequence[NewEvent]) -> int:
    """Append to wherever the stream is."""
    return await store.append(stream, len(await store.read(stream)), events)


async def sequence_all(store: EventStore) -> int:
    async with store.lead() as sequencer:
        return await sequencer.sequence(1_000_000)


def ids(events: Sequence[NewEvent] | Sequence[StoredEvent]) -> list[UUID]:
    return [event.id for event in events]


@asynccontextmanager
async def open_log(url: str) -> AsyncIterator[asyncpg.Pool]:
    """Open a database with the log and the relay's checkpoint in it."""
    async with open_database(Settings(database_url=url), [LOG_MIGRATIONS, RELAY_MIGRATIONS]) as pool:
        try:
            yield pool
        finally:
            pool.terminate()  # closing would wait for what a failed test has left behind
