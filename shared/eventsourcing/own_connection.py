"""Connections to the database: one's own, which keeps its locks until it ends, and one never waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.outages import outages_told

_CLOSE_SECONDS = 2
#: Who is gone with their machine says no goodbye: the server asks for it, and ends the session, and with it the locks,
#: after two seconds of silence.
_GONE_AFTER = """SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 1;
    SET tcp_user_timeout = 2000"""


@asynccontextmanager
async def own_connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Take a connection out of the pool and end its session afterwards. Raises LogUnavailableError.

    Ended, not given back: a lock whose release a fault or a cancellation has prevented would stay with the pool.
    """
    with outages_told():
        connection = await pool.acquire()
    try:
        with outages_told():
            await connection.execute(_GONE_AFTER)
        yield connection
    finally:
        try:
            with suppress(LogUnavailableError), outages_told():  # it may be gone already
                await connection.close(timeout=_CLOSE_SECONDS)
        finally:
            await pool.release(connection)


@asynccontextmanager
async def brief_connection(pool: asyncpg.Pool, seconds: float) -> AsyncIterator[asyncpg.Connection]:
    """Borrow a connection within so many seconds, and do not wait for it when it hangs. Raises LogUnavailableError.

    A pool waits until the server has cancelled a statement that was given up, and no timeout around it cuts that short;
    but the server may be what does not answer. So whoever gives up ends the connection. Statements need their timeouts.
    """
    with outages_told():
        async with pool.acquire(timeout=seconds) as connection:
            try:
                yield connection
            except (TimeoutError, asyncio.CancelledError):
                connection.terminate()
                raise
