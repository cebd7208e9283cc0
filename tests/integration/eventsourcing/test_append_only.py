"""What is in the log stays in the log, whatever program speaks to the database.

A service may not even try; the tables' owner, as whom migrations run, is refused by triggers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_event, new_events, sequence_all

#: Each with a column that somebody might like to change.
_TABLES = {
    "events": "payload",
    "events_from_1": "payload",
    "pending_events": "payload",
    "streams": "head",
    "partitions": "last_position",
}
_CONTENTS = """SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT 'events ' || e::text FROM events e UNION ALL SELECT 'pending ' || p::text FROM pending_events p
    UNION ALL SELECT 'stream ' || s::text FROM streams s UNION ALL SELECT 'part ' || p::text FROM partitions p
) AS all_of_it (line)"""


def _forgery(table: str, position: int) -> str:
    """An event that nobody decided: after the stream's head, or at a position of the forger's choice."""
    number = "OVERRIDING SYSTEM VALUE" if table == "pending_events" else ""
    return f"""INSERT INTO {table} {number}
        SELECT 99, gen_random_uuid(), stream, {position}, type, 'forged', occurred_at, recorded_at, actor, causation_id,
            correlation_id FROM events LIMIT 1"""


#: What a service might try, by what it would do.
_SERVICE_STATEMENTS = {
    "update": [f"UPDATE {table} SET {column} = {column}" for table, column in _TABLES.items()],
    "delete": [f"DELETE FROM {table}" for table in _TABLES],
    "truncate": [f"TRUNCATE {table} CASCADE" for table in _TABLES],
    "insert": [
        *(_forgery(table, position) for table in list(_TABLES)[:3] for position in (4, 7)),
        "INSERT INTO streams VALUES ('s', 9), ('forged', 1)",
        "INSERT INTO partitions VALUES (100, 200)",
    ],
    "make room": [
        "SELECT add_partition()",
        "UPDATE partition_size SET events = 1",
        "SELECT setval('pending_events_number_seq', 1)",
        "CREATE TABLE mine ()",
    ],
    "take away": ["DROP TABLE events_from_1", "DROP TABLE events", "ALTER TABLE events DETACH PARTITION events_from_1"],
    "take the guard away": [
        "DROP TRIGGER events_are_append_only ON events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "ALTER TABLE pending_events DISABLE TRIGGER USER",
        "ALTER TABLE events OWNER TO onrecord_service",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "SET session_replication_role = replica",
    ],
}

_CHANGES = [
    "UPDATE {} SET payload = payload",
    "UPDATE {} SET type = 'forged' WHERE false",
    "DELETE FROM {}",
    "TRUNCATE {}",
]
_OWNER_STATEMENTS = {
    "events": [change.format("events") for change in _CHANGES],
    "a partition": [
        *(change.format("events_from_1") for change in _CHANGES),
        "INSERT INTO events_from_1 TABLE events ON CONFLICT (global_position) DO UPDATE SET payload = 'forged'",
        "MERGE INTO events_from_1 AS e USING streams ON e.stream = name WHEN MATCHED THEN DELETE",
    ],
    "pending events": [
        "UPDATE pending_events SET payload = 'forged'",
        "UPDATE pending_events SET id = id WHERE false",
        "TRUNCATE pending_events",
    ],
    "streams": [
        "DELETE FROM streams",
        "TRUNCATE streams",
        "UPDATE streams SET head = head - 1",
        "UPDATE streams SET head = head",
        "UPDATE streams SET name = 'another', head = head + 1",
    ],
}


@pytest.fixture
async def owner(database_url: str, store: PostgresEventStore) -> AsyncIterator[asyncpg.Connection]:
    """The role of the migrations, on a log with two events in its order and one that waits."""
    await store.append("s", 0, new_events(2))
    await sequence_all(store)
    await store.append("s", 2, new_events(1))
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("statements", _SERVICE_STATEMENTS.values(), ids=_SERVICE_STATEMENTS)
async def test_a_service_may_not_even_try_to_change_the_log(
    database: asyncpg.Pool, owner: asyncpg.Connection, statements: list[str]
) -> None:
    """Seen to fail when the role is granted INSERT, UPDATE, DELETE or TRUNCATE, or the pool keeps the URL's role."""
    before = await owner.fetchval(_CONTENTS)
    for statement in statements:
        assert await _refusal(database, statement) == "42501", statement  # insufficient privilege
        assert await owner.fetchval(_CONTENTS) == before, statement


@pytest.mark.parametrize("statements", _OWNER_STATEMENTS.values(), ids=_OWNER_STATEMENTS)
async def test_the_event_log_is_append_only_for_its_owner_too(owner: asyncpg.Connection, statements: list[str]) -> None:
    """Seen to fail without the triggers on events, on its partitions, on pending_events and on streams."""
    before = await owner.fetchval(_CONTENTS)
    for statement in statements:
        assert await _refusal(owner, statement) == "OR002", statement
        assert await owner.fetchval(_CONTENTS) == before, statement


async def test_a_partition_that_is_made_later_is_guarded_like_the_first(
    owner: asyncpg.Connection, store: PostgresEventStore
) -> None:
    """Seen to fail when add_partition gives its table no trigger."""
    await owner.execute("SELECT add_partition()")
    second = await owner.fetchval("SELECT format('events_from_%s', max(first_position)) FROM partitions")

    for change in _CHANGES:
        assert await _refusal(owner, change.format(second)) == "OR002", change


_APPEND = "SELECT * FROM append_requests(false, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"


@pytest.mark.parametrize("head", [3, 0], ids=["a stream that is there", "a new stream"])
async def test_a_service_that_appends_cannot_choose_positions(
    database: asyncpg.Pool, owner: asyncpg.Connection, head: int
) -> None:
    """Seen to fail without the count of what was appended against what the head says."""
    before = await owner.fetchval(_CONTENTS)
    for count, positions in [(2, [1, 4]), (2, [1, 1]), (2, [0, 1]), (1, [1, 2]), (3, [1, 2]), (0, [1]), (-1, [1])]:
        fields = map(list, zip(*[_row(head + position) for position in positions], strict=True))
        assert await _refusal(database, _APPEND, ["s" if head else "new"], [head], [count], *fields), positions
        assert await owner.fetchval(_CONTENTS) == before, positions


async def test_a_streams_events_are_in_the_order_of_their_positions_whatever_their_appender_says(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail when they are inserted in the order in which they were given."""
    fields = zip(*[_row(position) for position in (3, 1, 2)], strict=True)

    await database.fetch(_APPEND, ["s"], [0], [3], *map(list, fields))
    await sequence_all(store)

    assert [event.position for event in await store.read_all()] == [1, 2, 3]


async def _refusal(connection: asyncpg.Connection | asyncpg.Pool, statement: str, *arguments: object) -> str | None:
    """Return the SQLSTATE of the refusal; None if it was not refused."""
    try:
        await connection.execute(statement, *arguments)
    except asyncpg.PostgresError as error:
        state: str | None = error.sqlstate
        return state
    return None


def _row(position: int) -> tuple[object, ...]:
    event = new_event()
    fields = (event.id, event.type, event.payload, event.occurred_at, event.actor)
    return 1, position, *fields, event.causation_id, event.correlation_id
