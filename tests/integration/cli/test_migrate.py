"""Who owns the database prepares it; who runs the services needs no more than to use it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.command import onrecord
from tests.support.processes import ServiceProcess


@pytest.fixture
async def restricted_url(database_url: str) -> AsyncIterator[str]:
    """The address of the database for a login that may do what services may, and nothing else."""
    login, password = f"onrecord_test_{secrets.token_hex(6)}", secrets.token_hex(16)
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{password}'")
    parts = urlsplit(database_url)
    _, _, address = parts.netloc.rpartition("@")
    yield parts._replace(netloc=f"{login}:{password}@{address}").geturl()
    await owner.execute(f"DROP ROLE {login}")
    await owner.close()


async def test_services_run_as_a_role_that_may_only_use_what_the_owner_prepared(
    database_url: str, restricted_url: str, amqp_url: str, data_dir: Path
) -> None:
    early = onrecord("serve relay", {"ONRECORD_DATABASE_URL": restricted_url, "ONRECORD_AMQP_URL": amqp_url}, data_dir)
    assert (early.returncode, early.stderr.count("\n")) == (1, 1)
    assert "onrecord migrate" in early.stderr

    first = onrecord("migrate", {"ONRECORD_DATABASE_URL": database_url}, data_dir)
    again = onrecord("migrate", {"ONRECORD_DATABASE_URL": database_url}, data_dir)
    assert "applied 0001_event_log.sql" in first.stdout
    assert again.stdout == "The database is up to date.\n"

    owner = await asyncpg.connect(database_url)
    await owner.execute(f"GRANT onrecord_service TO {urlsplit(restricted_url).username}")
    await owner.close()
    settings = {"ONRECORD_DATABASE_URL": restricted_url, "ONRECORD_AMQP_URL": amqp_url}
    for name in ("relay", "consent", "notifier"):
        service = ServiceProcess(name, settings, data_dir / f"{name}.log")
        await service.start()
        assert await service.stop() == 0
