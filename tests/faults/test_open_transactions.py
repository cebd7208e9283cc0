"""Transactions that somebody has left open stall nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.faults.appending import Appender, an_event
from tests.faults.claims import every_effect_once_and_in_order, whole_log
from tests.faults.load import Addresses, load
from tests.support.events import open_log
from tests.support.eventually import eventually
from tests.support.partitions import make_partitions_small
from tests.support.postgres import create_database, drop_database
from tests.support.servers import Server

#: A stall lasts as long as the transaction, for ever; a busy machine takes a few seconds.
_PROMPT_SECONDS = 8
_SMALL_PARTITION = 200


@pytest.fixture
async def other_database_url(postgres_server: Server) -> AsyncIterator[str]:
    """Another database of the same cluster."""
    url = await create_database(postgres_server.url)
    yield url
    await drop_database(postgres_server.url, url)


@pytest.mark.parametrize(
    ("place", "isolation"),
    [
        ("this database", "read_committed"),
        ("this database", "repeatable_read"),
        ("this database", "serializable"),
        ("another database", "read_committed"),
    ],
)
async def test_a_transaction_that_has_written_and_is_left_open_stalls_nothing(
    database_url: str, other_database_url: str, amqp_url: str, place: str, isolation: str
) -> None:
    """It is older than everything that is appended, sequenced, published and handled meanwhile.

    Seen to fail with a sequencer that takes only what is older than every open transaction.
    """
    url = database_url if place == "this database" else other_database_url
    async with left_open(url, isolation) as opened, load(Addresses(database_url, amqp_url), 1) as running:
        await opened.execute("CREATE TABLE elsewhere AS SELECT 1 AS one")
        for _ in range(3):
            # It reads on in its old snapshot, as a forgotten report would.
            await opened.fetch("SELECT * FROM elsewhere")
            await running.goes_on(within=_PROMPT_SECONDS)
        await running.end()
        assert await _is_idle_in_transaction(database_url)

        await every_effect_once_and_in_order(running)


async def test_a_transaction_that_has_read_the_whole_log_and_is_left_open_stalls_nothing(
    database_url: str, amqp_url: str
) -> None:
    """It holds a lock on every table of the log, as pg_dump does, while the log gets new partitions.

    Seen to fail with partitions that are created in their place instead of attached: that waits for all readers.
    """
    await _make_partitions_small(database_url)
    async with (
        load(Addresses(database_url, amqp_url), 1) as running,
        left_open(database_url, "repeatable_read") as reader,
    ):
        await running.goes_on()
        for table in ("events", "pending_events", "streams", "relay_checkpoint"):
            await reader.fetchval(f"SELECT count(*) FROM {table}")
        for _ in range(3):
            await running.goes_on(within=_PROMPT_SECONDS)
        await running.end()
        assert await _is_idle_in_transaction(database_url)
        assert await running.store.head() > 2 * _SMALL_PARTITION

        await every_effect_once_and_in_order(running)


async def test_an_append_that_is_not_committed_stalls_no_other_and_is_not_skipped_when_it_is(
    database_url: str, amqp_url: str
) -> None:
    """Its events have drawn their numbers before thousands of others, and get their positions after them.

    Seen to fail without the sequencer's look at who is appending before it passes over numbers.
    """
    late = [an_event() for _ in range(3)]
    async with load(Addresses(database_url, amqp_url), 1) as running:
        # Its streams are its own: an appender keeps their heads, and does one thing at a time.
        crowd = Appender(running.store, ["consent-crowd"], Random(1), pace=0)
        running.appenders.append(crowd)
        await running.goes_on()
        async with left_open(database_url) as appender:
            await PostgresEventStore(appender).append("consent-late", 0, late)
            for _ in range(4):
                await crowd.append(1000)
                await running.goes_on(within=_PROMPT_SECONDS)
            await running.end()
            assert await _is_idle_in_transaction(database_url)
            assert not await running.store.read("consent-late")
            head = await running.store.head()
        await eventually(lambda: len(running.following.applied) == head + len(late))

        assert [event.id for event in running.following.applied[head:]] == [event.id for event in late]
        assert await whole_log(running.store) == running.following.applied


@asynccontextmanager
async def left_open(url: str, isolation: str = "read_committed") -> AsyncIterator[asyncpg.Connection]:
    """Begin a transaction that has a snapshot; commit it at the end."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation=isolation):
            await connection.execute("SELECT pg_current_xact_id(), count(*) FROM pg_class")
            yield connection
    finally:
        await connection.close()


async def _make_partitions_small(url: str) -> None:
    async with open_log(url):
        owner = await asyncpg.connect(url)
        await make_partitions_small(owner, _SMALL_PARTITION)
        await owner.close()


async def _is_idle_in_transaction(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        found: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' "
            "AND xact_start < now() - interval '1 second')"
        )
    finally:
        await connection.close()
    return found
