"""PostgreSQL for tests: finds a server and gives each test a database of its own."""

import asyncio
import getpass
import secrets
from urllib.parse import urlsplit

import asyncpg

from tests.support import debian
from tests.support.servers import NotHereError, Server, Way, first_usable, from_environment, search, with_path

VARIABLE = "ONRECORD_TEST_DATABASE_URL"
MINIMUM_VERSION = 15
ADVICE = (
    f"Install PostgreSQL {MINIMUM_VERSION} or newer with a superuser that may log in on localhost without a "
    f"password, or start Docker, or set {VARIABLE}=postgresql://superuser:password@host:port/postgres"
)


def find() -> Server:
    """A server on which we are superuser."""
    ways = [
        from_environment(VARIABLE, check),
        Way("localhost, port 5432", lambda: first_usable(_local_urls(), check)),
        Way("a container", _container),
        Way("Debian's packages", debian.postgres),
    ]
    return search("PostgreSQL", ways, ADVICE)


def check(url: str) -> None:
    """Refuses a server that is too old or does not let us be superuser: tests make databases and roles."""
    asyncio.run(_check(url))


async def create_database(server_url: str, template: str = "template0") -> str:
    """The address of a new, empty database, or of a copy of the template. It costs about 20 ms.

    Its encoding does not hang on the machine's locale: a minimal one makes clusters that know ASCII only.
    """
    name = f"onrecord_test_{secrets.token_hex(8)}"
    await _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' LOCALE 'C'")
    return with_path(server_url, name)


async def drop_database(server_url: str, url: str) -> None:
    """Drops the database even while somebody is connected to it."""
    await _execute(server_url, f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")


async def someone_waits(connection: asyncpg.Connection) -> bool:
    """Tells whether a session of this database waits for a lock; also from within a transaction."""
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    # By its locks: what a session of another role waits for is not shown to everybody.
    waiting: int = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) "
        "WHERE datname = current_database() AND NOT granted"
    )
    return waiting > 0


def database_name(url: str) -> str:
    """The database that the address names."""
    return urlsplit(url).path.removeprefix("/")


async def _check(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotHereError(str(error) or type(error).__name__) from error
    try:
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        version = connection.get_server_version()
    finally:
        await connection.close()
    if version.major < MINIMUM_VERSION:
        raise NotHereError(f"PostgreSQL {version.major} is older than {MINIMUM_VERSION}")
    if not superuser:
        raise NotHereError("the role is no superuser")


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _local_urls() -> list[str]:
    me = getpass.getuser()
    return [
        "postgresql://postgres@127.0.0.1:5432/postgres",
        "postgresql://postgres:postgres@127.0.0.1:5432/postgres",
        f"postgresql://{me}@127.0.0.1:5432/postgres",
        "postgresql://postgres@/postgres?host=/var/run/postgresql",
        f"postgresql://{me}@/postgres?host=/var/run/postgresql",
    ]


def _container() -> Server:
    from tests.support import containers  # noqa: PLC0415  half a second that most runs need not wait

    containers.require_docker()
    return containers.postgres()
