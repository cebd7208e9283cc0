"""A log on a real Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import open_log


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_log(database_url) as pool:
        yield pool


@pytest.fixture
def store(database: asyncpg.Pool) -> PostgresEventStore:
    return PostgresEventStore(database)
