"""What is in the log stays in the log, whatever program speaks to the database."""

from __future__ import annotations

import asyncpg
import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events, sequence_all


@pytest.mark.parametrize("table", ["events", "global_order"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET number = number",
        "UPDATE {table} SET number = number WHERE false",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
    ],
)
async def test_the_event_log_is_append_only(
    database: asyncpg.Pool, store: PostgresEventStore, table: str, statement: str
) -> None:
    await store.append("s", 0, new_events(2))
    await sequence_all(store)
    before = await store.read_all()

    with pytest.raises(asyncpg.PostgresError, match=r"append-only|column \"number\"") as refusal:
        await database.execute(statement.format(table=table))

    assert refusal.value.sqlstate in {"OR002", "428C9"}  # 428C9: an identity column, refused before any trigger
    assert await store.read_all() == before


@pytest.mark.parametrize("column", ["payload", "position", "occurred_at"])
async def test_no_column_of_an_event_can_be_changed(
    database: asyncpg.Pool, store: PostgresEventStore, column: str
) -> None:
    await store.append("s", 0, new_events(1))

    with pytest.raises(asyncpg.PostgresError, match="the event log is append-only: UPDATE on events is refused"):
        await database.execute(f"UPDATE events SET {column} = {column}")


async def test_events_cannot_be_replaced_by_an_upsert(database: asyncpg.Pool, store: PostgresEventStore) -> None:
    await store.append("s", 0, new_events(1))

    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await database.execute(
            """INSERT INTO events (id, stream, position, type, payload, occurred_at, actor, causation_id,
                   correlation_id)
               SELECT id, stream, position, type, 'forged', occurred_at, actor, causation_id, correlation_id FROM events
               ON CONFLICT (id) DO UPDATE SET payload = EXCLUDED.payload"""
        )

    assert [event.payload for event in await store.read("s")] == [b"0"]
