"""A database that takes a statement and never answers holds nobody up for ever."""

from __future__ import annotations

import asyncpg
import pytest

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime import database
from shared.runtime.database import open_database
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings
from tests.support.events import append, new_events


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
