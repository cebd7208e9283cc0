"""A database session of one's own: what it locks, it locks until it ends."""

from __future__ import annotations

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
async def own_session(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
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
