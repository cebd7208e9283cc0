"""Each test has a database of its own, on a server that lets it do everything."""

import asyncio
import secrets
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support import postgres
from tests.support.postgres import create_database, drop_database
from tests.support.servers import NotHereError, Server


async def test_two_databases_are_separate(postgres_server: Server, database_url: str) -> None:
    other_url = await create_database(postgres_server.url)
    try:
        here, there = await asyncpg.connect(database_url), await asyncpg.connect(other_url)
        await here.execute("CREATE TABLE mine ()")
        assert await there.fetchval("SELECT to_regclass('mine')") is None
        await here.close()
        await there.close()
    finally:
        await drop_database(postgres_server.url, other_url)


async def test_a_database_can_be_copied(postgres_server: Server, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE mine AS SELECT 'ä' AS letter")
    await connection.close()

    copy_url = await create_database(postgres_server.url, template=postgres.database_name(database_url))
    try:
        copy = await asyncpg.connect(copy_url)
        assert await copy.fetchval("SELECT letter FROM mine") == "ä"
        await copy.close()
    finally:
        await drop_database(postgres_server.url, copy_url)


async def test_a_database_is_dropped_under_its_users(postgres_server: Server) -> None:
    url = await create_database(postgres_server.url)
    connection = await asyncpg.connect(url)

    await drop_database(postgres_server.url, url)

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    connection.terminate()


async def test_a_role_that_may_not_do_everything_is_refused(postgres_server: Server) -> None:
    connection = await asyncpg.connect(postgres_server.url)
    role = f"onrecord_test_{secrets.token_hex(4)}"
    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'known'")
    try:
        with pytest.raises(NotHereError, match="no superuser"):
            await asyncio.to_thread(postgres.check, with_user(postgres_server.url, f"{role}:known"))
    finally:
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()


def test_a_database_server_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotHereError):
        postgres.check("postgresql://postgres@127.0.0.1:1/postgres")


def with_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()
