"""Sessions beside the store's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own, whose transactions it begins and ends."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
