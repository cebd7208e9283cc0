"""The log in partitions: nobody notices their borders, and nobody reads over one that is missing."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.eventsourcing.errors import LogIncompleteError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.contract.global_order import assert_streams_in_order, places
from tests.support.events import append, ids, new_events, sequence_all
from tests.support.partitions import make_partitions_small

#: Long for anything here, short for a person who waits.
_AT_ONCE = 5


@pytest.fixture
async def database(database: asyncpg.Pool, session: asyncpg.Connection) -> asyncpg.Pool:
    """A log whose partitions hold five events each."""
    await make_partitions_small(session, 5)
    return database


@pytest.mark.parametrize("batch", [1, 4, 5, 7, 100])
async def test_a_batch_goes_over_as_many_borders_as_it_must(
    store: PostgresEventStore, session: asyncpg.Connection, batch: int
) -> None:
    for number in range(8):
        await append(store, f"s-{number % 3}", new_events(3))
    async with store.lead() as sequencer:
        while await sequencer.sequence(batch):
            pass

    log = await store.read_all()

    assert places(log) == list(range(1, 25))
    assert_streams_in_order(log)
    assert [len(await store.read(f"s-{number}")) for number in range(3)] == [9, 9, 6]
    partitions = await session.fetch("SELECT * FROM partitions ORDER BY first_position")
    assert [tuple(row) for row in partitions] == [(n, n + 4) for n in range(1, 31, 5)], "one ahead"


async def test_pages_go_over_borders(store: PostgresEventStore) -> None:
    await store.append("s", 0, new_events(12))
    await sequence_all(store)

    assert places(await store.read_all(after=3, limit=4)) == [4, 5, 6, 7]
    assert places(await store.read_all(after=5, limit=5)) == [6, 7, 8, 9, 10]


async def test_a_known_event_is_refused_from_whichever_partition(store: PostgresEventStore) -> None:
    events = new_events(12)
    await store.append("s", 0, events)
    await sequence_all(store)

    for known in events:
        with pytest.raises(Exception, match="is stored already"):
            await store.append("other", 0, [known])


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read"])
async def test_readers_and_a_new_partition_do_not_wait_for_each_other(
    store: PostgresEventStore, session: asyncpg.Connection, isolation: str
) -> None:
    """Seen to fail when a partition is created as one, by CREATE TABLE … PARTITION OF.

    Also without a partition ahead: a transaction that reads the log does not notice one that is attached meanwhile, and
    missed what was placed in it.
    """
    await store.append("s", 0, new_events(4))
    await sequence_all(store)
    async with session.transaction(isolation=isolation):
        assert await session.fetchval("SELECT count(*) FROM events") == 4

        async with asyncio.timeout(_AT_ONCE):
            await store.append("s", 4, new_events(4))
            assert await sequence_all(store) == 4
            assert len(await store.read_all()) == 8
        assert await session.fetchval("SELECT count(*) FROM events") == (8 if isolation == "read_committed" else 4)


async def test_while_a_partition_is_being_attached_the_log_is_read(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    await store.append("s", 0, new_events(5))
    await sequence_all(store)
    async with session.transaction():
        await session.execute("SELECT add_partition()")

        async with asyncio.timeout(_AT_ONCE):
            assert len(await store.read_all()) == len(await store.read("s")) == 5
            assert await store.head() == 5
            assert await store.append("s", 5, new_events(1)) == 6


async def test_a_log_without_its_oldest_part_says_what_is_missing(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    events = await _fill(store)
    await session.execute("ALTER TABLE events DETACH PARTITION events_from_1")

    with pytest.raises(LogIncompleteError, match="the log goes on at position 6 where 1 is expected") as missing:
        await store.read_all()
    assert (missing.value.place, missing.value.expected, missing.value.found) == ("the log", 1, 6)
    assert places(await store.read_all(after=5)) == list(range(6, 16)), "who has read it needs it no more"

    await session.execute("ALTER TABLE events ATTACH PARTITION events_from_1 FOR VALUES FROM (1) TO (6)")
    assert ids(await store.read_all()) == events


async def test_a_hole_in_the_middle_is_not_read_over(store: PostgresEventStore, session: asyncpg.Connection) -> None:
    """Seen to fail when a page is not looked through for holes."""
    events = await _fill(store)
    await session.execute("ALTER TABLE events DETACH PARTITION events_from_6")

    for after in (0, 3, 5, 7):
        with pytest.raises(LogIncompleteError, match=f"goes on at position 11 where {max(after + 1, 6)} is expected"):
            await store.read_all(after)
    assert places(await store.read_all(after=2, limit=3)) == [3, 4, 5]

    await session.execute("ALTER TABLE events ATTACH PARTITION events_from_6 FOR VALUES FROM (6) TO (11)")
    assert ids(await store.read_all()) == events


@pytest.mark.parametrize(
    ("partition", "stream", "told"),
    [
        ("events_from_1", "whole", "goes on at position 3 where 1 is expected"),
        ("events_from_1", "both", "goes on at position 4 where 1 is expected"),
        ("events_from_6", "both", "goes on at position 6 where 4 is expected"),
        ("events_from_11", "both", "goes on at position 7 where 6 is expected"),
        ("events_from_11", "late", "goes on at position 5 where 1 is expected"),
    ],
    ids=["all of it", "its beginning", "its middle", "its end", "all of one that began later"],
)
async def test_a_stream_is_whole_or_it_is_not_read(
    store: PostgresEventStore, session: asyncpg.Connection, partition: str, stream: str, told: str
) -> None:
    """Seen to fail without the head: a stream whose events are all archived was read as one that nobody wrote to."""
    await _fill(store)
    await session.execute(f"ALTER TABLE events DETACH PARTITION {partition}")

    with pytest.raises(LogIncompleteError, match=f"stream {stream} {told}"):
        await store.read(stream)


async def test_who_knows_the_archived_part_of_a_stream_reads_the_rest(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    await _fill(store)
    await session.execute("ALTER TABLE events DETACH PARTITION events_from_1")

    assert [event.position for event in await store.read("both", after=3)] == [4, 5, 6]
    assert await store.read("whole", after=2) == []


async def test_without_the_newest_part_nothing_gets_a_position_a_second_time(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    events = await _fill(store)
    await session.execute("ALTER TABLE events DETACH PARTITION events_from_11")
    late = new_events(1)
    await store.append("later", 0, late)

    with pytest.raises(asyncpg.PostgresError, match="no partition of relation"):
        await sequence_all(store)

    await session.execute("ALTER TABLE events ATTACH PARTITION events_from_11 FOR VALUES FROM (11) TO (16)")
    await sequence_all(store)
    assert ids(await store.read_all()) == events + ids(late)


async def _fill(store: PostgresEventStore) -> list[object]:
    """Three partitions: `whole` lies in the first, `both` in all of them, `late` in the last."""
    for stream, count in [("whole", 2), ("both", 3), ("x", 3), ("both", 2), ("late", 4), ("both", 1)]:
        await append(store, stream, new_events(count))
    await sequence_all(store)
    return list(ids(await store.read_all()))
