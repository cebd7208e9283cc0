"""A gateway's tables and doors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.gateway.desk import Desk, open_desk
from tests.integration.gateway.doors import Doors, open_doors, open_tables


@pytest.fixture
async def tables(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """The gateway's tables, as the gateway may use them."""
    async with open_tables(database_url) as pool:
        yield pool


@pytest.fixture
async def owner(tables: asyncpg.Pool, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The tables' owner, by whom time passes: moments in them are moved into the past."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def doors(tables: asyncpg.Pool) -> AsyncIterator[Doors]:
    """The doors, and a room behind them."""
    async with open_doors(tables) as opened:
        opened.room_id = await opened.create_room()
        yield opened


@pytest.fixture
async def desk(tables: asyncpg.Pool) -> AsyncIterator[Desk]:
    """The doors, behind which a server finds what it asked for."""
    async with open_desk(tables) as opened:
        yield opened
