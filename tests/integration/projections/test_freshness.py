"""A read shows whatever was in the log when it began, or what there is when it has waited long enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import asyncpg
import pytest

from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.freshness import ProjectionMissingError, until_fresh
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.projections.keeping import Seen, administrating, keeping, position_of, say, seen, words
from tests.support.events import append, new_event, sequence_all
from tests.support.eventually import eventually

#: More than any of these needs.
_PATIENCE = 20.0


async def test_a_read_waits_until_the_write_before_it_can_be_seen(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    tables = Seen()
    async with keeping(tables.projection(), store, database):
        await _append(store)
        async with _reading(database) as read:
            assert not await _ends(read)  # the sequencer is held back

            tables.gate.clear()
            await sequence_all(store)
            assert not await _ends(read)  # the projection is

            tables.gate.set()
            await read
            assert await seen(database) == [1]


async def test_a_read_after_which_nothing_was_written_does_not_wait(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async with keeping(Seen().projection(), store, database):
        await until_fresh(database, "seen", _PATIENCE)

        await say(store, *words(3))
        await until_fresh(database, "seen", _PATIENCE)
        assert await seen(database) == [1, 2, 3]


async def test_a_read_does_not_wait_for_what_is_written_after_it_began(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    tables = Seen()
    async with keeping(tables.projection(), store, database):
        await _append(store)
        async with _reading(database) as read, store.lead() as sequencer:
            assert not await _ends(read)
            await append(store, "room-r", [new_event(event_type="room.created.v1")])
            await sequencer.sequence(limit=1)

            async with asyncio.timeout(_PATIENCE / 2):
                await read


async def test_a_read_waits_for_its_write_also_when_one_with_a_lower_number_is_committed_later(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with a wait for as many positions as there were pending events when it began."""
    tables = Seen()
    async with (
        keeping(tables.projection(), store, database),
        administrating(database_url) as slow,
        store.lead() as sequencer,
    ):
        transaction = slow.transaction()
        await transaction.start()
        await _append_by(slow)  # has number 1
        await _append(store)  # has number 2
        async with _reading(database) as read:
            assert not await _ends(read)
            await transaction.commit()
            await sequencer.sequence(limit=1)
            await eventually(lambda: _is_at(database, 1))
            assert not await _ends(read)

            await sequencer.sequence()
            await read
            assert await position_of(database, tables.projection()) == 2


async def test_a_read_waits_also_for_a_lower_number_that_the_sequencer_had_not_seen(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async with (
        keeping(Seen().projection(), store, database),
        administrating(database_url) as slow,
        administrating(database_url) as sequencer,
    ):
        late, placing = slow.transaction(), sequencer.transaction()
        await late.start()
        await _append_by(slow)  # has number 1
        await _append(store)  # has number 2
        await placing.start()
        await sequencer.fetchval("SELECT sequence_pending(0, 10)")
        await late.commit()
        async with _reading(database) as read:
            assert not await _ends(read)
            await placing.commit()
            await eventually(lambda: _is_at(database, 1))
            assert not await _ends(read)

            await sequencer.fetchval("SELECT sequence_pending(0, 10)")
            async with asyncio.timeout(_PATIENCE / 2):
                await read
            assert await position_of(database, Seen().projection()) == 2


async def test_a_read_gives_up_after_its_patience(database: asyncpg.Pool, store: PostgresEventStore) -> None:
    async with keeping(Seen().projection(), store, database):
        await _append(store)
        began = monotonic()

        await until_fresh(database, "seen", patience=0.3)

        assert 0.3 <= monotonic() - began < 5
        assert await seen(database) == []


async def test_a_database_that_hangs_costs_no_more_than_the_patience(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async with (
        keeping(Seen().projection(), store, database),
        administrating(database_url) as locking,
        locking.transaction(),
        asyncio.timeout(_PATIENCE),
    ):
        await locking.execute("LOCK TABLE projections")

        await until_fresh(database, "seen", patience=0.2)


async def test_a_projection_that_was_never_made_is_told(database: asyncpg.Pool) -> None:
    with pytest.raises(ProjectionMissingError, match="projection seen is not there yet"):
        await until_fresh(database, "seen", patience=0.05)


async def test_a_read_waits_for_a_projection_that_is_being_made(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(2))
    async with _reading(database) as read, keeping(Seen().projection(), store, database, until_live=False):
        await read
        assert await seen(database) == [1, 2]


@asynccontextmanager
async def _reading(pool: asyncpg.Pool) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(until_fresh(pool, "seen", _PATIENCE))
    try:
        yield task
    finally:
        task.cancel()


async def _ends(read: asyncio.Task[None]) -> bool:
    """Tell whether the read ends within many of its looks."""
    done, _ = await asyncio.wait({read}, timeout=0.2)
    return bool(done)


async def _append(store: PostgresEventStore) -> None:
    (word,) = words(1)
    await append(store, word.stream, [encode(word, Context.begin("service:test"))])


async def _append_by(connection: asyncpg.Connection) -> None:
    """Append an event of nobody's in the connection's transaction."""
    event = new_event(event_type="room.created.v1")
    about = event.causation_id, event.correlation_id
    each = [[value] for value in (event.id, event.type, event.payload, event.occurred_at, event.actor, *about)]
    await connection.execute(
        "SELECT append_requests(false, ARRAY['room-r'], ARRAY[0], ARRAY[1], ARRAY[1], ARRAY[1], "
        "$1, $2, $3, $4, $5, $6, $7)",
        *each,
    )


async def _is_at(pool: asyncpg.Pool, position: int) -> bool:
    return await position_of(pool, Seen().projection()) == position
