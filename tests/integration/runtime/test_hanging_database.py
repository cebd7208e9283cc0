"""A database that takes a statement and never answers holds nobody up for ever."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.own_connection import brief_connection
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime import database
from shared.runtime.database import open_database
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings
from tests.support.events import append, new_events
from tests.support.hanging_proxy import hanging


async def test_an_append_that_gets_no_answer_is_told_as_an_outage_and_writes_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_COMMAND_SECONDS", 0.5)
    async with open_database(Settings(database_url=database_url), [LOG_MIGRATIONS]) as pool:
        store = PostgresEventStore(pool)
        await append(store, "s", new_events(1))
        somebody = await asyncpg.connect(database_url)
        async with somebody.transaction():
            await somebody.execute("LOCK TABLE streams")
            with pytest.raises(LogUnavailableError):
                await store.append("s", 1, new_events(1))
        await somebody.close()
        assert len(await store.read("s")) == 1
        assert await store.append("s", 1, new_events(1)) == 2


async def test_a_connection_that_is_not_given_back_holds_nobody_up_at_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with the pool waited for as long as it takes."""
    monkeypatch.setattr(database, "_CLOSE_SECONDS", 0.2)
    async with asyncio.timeout(10):
        async with open_database(Settings(database_url=database_url), [LOG_MIGRATIONS]) as pool:
            await pool.acquire()


async def test_a_brief_connection_that_hangs_is_given_up_though_its_cancellation_hangs_too(database_url: str) -> None:
    async with hanging(database_url) as proxy, asyncpg.create_pool(proxy.url, min_size=1, max_size=1) as pool:
        proxy.hang()
        async with asyncio.timeout(2):
            with pytest.raises(LogUnavailableError):
                async with brief_connection(pool, 0.2) as connection:
                    await connection.fetchval("SELECT 1", timeout=0.2)
        proxy.answer()
        async with brief_connection(pool, 2) as connection:
            assert await connection.fetchval("SELECT 1", timeout=2) == 1


async def test_whoever_is_cut_off_in_a_brief_connection_does_not_wait_for_the_database_either(
    database_url: str,
) -> None:
    async with hanging(database_url) as proxy, asyncpg.create_pool(proxy.url, min_size=1, max_size=1) as pool:
        proxy.hang()
        async with asyncio.timeout(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2), brief_connection(pool, 30) as connection:
                    await connection.fetchval("SELECT 1", timeout=30)
        proxy.answer()
