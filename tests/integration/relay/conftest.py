"""A log on a real Postgres, and the means to run relays on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.in_process import InProcessBus
from tests.integration.relay.listening import Listener
from tests.support.events import open_log


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_log(database_url) as pool:
        yield pool


@pytest.fixture
def store(database: asyncpg.Pool) -> PostgresEventStore:
    return PostgresEventStore(database)


@pytest.fixture
def bus() -> InProcessBus:
    return InProcessBus()


@pytest.fixture
async def listener(bus: InProcessBus) -> AsyncIterator[Listener]:
    listener = Listener()
    async with listener.listening(bus):
        yield listener
