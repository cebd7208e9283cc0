"""Who runs the services needs no more than to use a log that somebody else has prepared."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared.eventsourcing.errors import MigrationError
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.errors import SettingError
from tests.support.events import ids, new_events, open_log, sequence_all


@pytest.fixture
async def restricted_url(database_url: str) -> AsyncIterator[str]:
    """The database, for a login that may log in and nothing else yet."""
    login, password = f"onrecord_test_{secrets.token_hex(6)}", secrets.token_hex(16)
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{password}'")
    parts = urlsplit(database_url)
    yield parts._replace(netloc=f"{login}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
    await owner.execute(f"DROP ROLE {login}")
    await owner.close()


@pytest.fixture
async def service_url(database_url: str, restricted_url: str) -> str:
    """The same login on a migrated database, as a member of the services' role."""
    async with open_log(database_url):
        owner = await asyncpg.connect(database_url)
        await owner.execute(f"GRANT onrecord_service TO {urlsplit(restricted_url).username}")
        await owner.close()
    return restricted_url


async def test_a_service_appends_reads_and_leads_as_a_member_of_the_services_role(service_url: str) -> None:
    events = new_events(3)
    async with open_log(service_url) as pool:
        store = PostgresEventStore(pool)
        await store.append("s", 0, events)
        assert await sequence_all(store) == 3
        assert ids(await store.read("s")) == ids(await store.read_all()) == ids(events)


@pytest.mark.parametrize(
    "statement",
    [
        "RESET ROLE; DELETE FROM events",
        "SET ROLE postgres",
        "SET session_replication_role = replica",
        "RESET ROLE; SET session_replication_role = replica",
        "RESET ROLE; ALTER TABLE events DISABLE TRIGGER ALL",
    ],
)
async def test_a_service_cannot_become_anybody_who_may_change_the_log(service_url: str, statement: str) -> None:
    async with open_log(service_url) as pool:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
            await pool.execute(statement)


async def test_a_service_on_a_database_that_nobody_prepared_says_what_to_do(restricted_url: str) -> None:
    with pytest.raises(SettingError, match="run onrecord migrate as the database's owner") as refusal:
        async with open_log(restricted_url):
            pass

    assert "ONRECORD_DATABASE_URL names a database that cannot be prepared: migration of the log" in str(refusal.value)
    assert isinstance(refusal.value.__cause__, MigrationError)


async def test_a_login_that_is_no_member_of_the_services_role_is_told_so(
    database_url: str, restricted_url: str
) -> None:
    async with open_log(database_url):
        with pytest.raises(SettingError, match=r"ONRECORD_DATABASE_URL names a database .*permission denied"):
            async with open_log(restricted_url):
                pass
