"""Where measuring takes place: databases of its own, on the server that the settings name or on an embedded one."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.bench.broker import own_virtual_host
from services.relay.bootstrap import MIGRATIONS as RELAY_MIGRATIONS
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.database import database_url as database_server
from shared.runtime.database import open_database
from shared.runtime.errors import SettingError
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings

_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Log:
    """An empty log in a database of its own. `url` is its owner's, `pool` and `store` are as services have them."""

    url: str
    pool: asyncpg.Pool
    store: PostgresEventStore


@dataclass(frozen=True, slots=True)
class Ground:
    #: Its role may make databases.
    server_url: str
    embedded: bool
    #: A virtual host that nobody else uses. None: the bus is within the process.
    amqp_url: str | None

    @asynccontextmanager
    async def log(self) -> AsyncIterator[Log]:
        """Make a database with a log, and drop it afterwards."""
        name = f"onrecord_bench_{secrets.token_hex(6)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        try:
            url = urlunsplit(urlsplit(self.server_url)._replace(path=f"/{name}"))
            async with open_database(Settings(database_url=url), (LOG_MIGRATIONS, RELAY_MIGRATIONS)) as pool:
                yield Log(url, pool, PostgresEventStore(pool))
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """Connect to the server. Raises SettingError."""
        try:
            connection = await asyncpg.connect(self.server_url, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
            raise SettingError("ONRECORD_DATABASE_URL", f"names a server that does not answer: {reason}") from error
        try:
            yield connection
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        async with self.session() as connection:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError as error:
                reason = f"names a role that may not make databases: {error}"
                raise SettingError("ONRECORD_DATABASE_URL", reason) from error


@asynccontextmanager
async def open_ground(settings: Settings) -> AsyncIterator[Ground]:
    """Find the servers, or start an embedded Postgres in a temporary folder. Raises StartupError."""
    async with AsyncExitStack() as stack:
        if settings.amqp_url:
            await stack.enter_async_context(own_virtual_host(settings.amqp_url))
        if not settings.database_url:
            folder = stack.enter_context(_embedding_folder())
            settings = settings.model_copy(update={"data_dir": folder})
        url = await stack.enter_async_context(database_server(settings))
        yield Ground(url, settings.database_url is None, settings.amqp_url)


@contextmanager
def _embedding_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        Path(folder).chmod(0o755)  # started by root, the embedded Postgres runs as another user
        yield Path(folder)
