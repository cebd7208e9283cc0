"""Migrations: each once, in order, all or nothing, whoever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from shared.eventsourcing.errors import MigrationError
from shared.eventsourcing.migrations import migrate
from tests.support.events import LOG_MIGRATIONS, RELAY_MIGRATIONS

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


async def _migrate(url: str, *folders: Path) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await migrate(connection, folders)
    finally:
        await connection.close()


async def _tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["tablename"] for row in await connection.fetch(_TABLES)]
    finally:
        await connection.close()


def _folder(parent: Path, name: str, **files: str) -> Path:
    folder = parent / name
    folder.mkdir(exist_ok=True)
    for file, sql in files.items():
        (folder / f"{file}.sql").write_text(sql)
    return folder


async def test_migrations_are_applied_once_when_ten_start_together(database_url: str, tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, "sql", a1="CREATE TABLE one ()", a2="INSERT INTO two VALUES (1)", a15="CREATE TABLE two (n int)"
    )

    applied: Sequence[list[str]] = await asyncio.gather(*(_migrate(database_url, folder) for _ in range(10)))

    assert max(applied, key=len) == ["a1.sql", "a15.sql", "a2.sql"]
    assert sum(map(len, applied)) == 3
    assert await _tables(database_url) == ["one", "schema_migrations", "two"]


async def test_migrations_of_several_folders_are_applied_in_the_order_of_their_names(
    database_url: str, tmp_path: Path
) -> None:
    later = _folder(tmp_path, "later", m2="CREATE TABLE two (one int REFERENCES one)")
    earlier = _folder(tmp_path, "earlier", m1="CREATE TABLE one (n int PRIMARY KEY)")

    assert await _migrate(database_url, later, earlier) == ["m1.sql", "m2.sql"]


async def test_only_what_is_new_is_applied(database_url: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sql", m1="CREATE TABLE one ()")
    await _migrate(database_url, folder)
    _folder(tmp_path, "sql", m2="CREATE TABLE two ()")

    assert await _migrate(database_url, folder) == ["m2.sql"]
    assert await _migrate(database_url, folder) == []


async def test_a_migration_that_fails_leaves_nothing_half_done(database_url: str, tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, "sql", m1="CREATE TABLE one ()", m2="CREATE TABLE two (); CREATE TABLE three (n nonsense)"
    )

    with pytest.raises(MigrationError, match=r'migration m2.sql failed: type "nonsense" does not exist'):
        await _migrate(database_url, folder)
    assert await _tables(database_url) == []

    _folder(tmp_path, "sql", m2="CREATE TABLE two ()")
    assert await _migrate(database_url, folder) == ["m1.sql", "m2.sql"]


async def test_a_migration_that_was_edited_after_it_was_applied_is_refused(database_url: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sql", m1="CREATE TABLE one ()")
    await _migrate(database_url, folder)
    _folder(tmp_path, "sql", m1="CREATE TABLE one (n int)", m2="CREATE TABLE two ()")

    with pytest.raises(MigrationError, match=r"m1.sql was edited after it was applied"):
        await _migrate(database_url, folder)

    assert await _tables(database_url) == ["one", "schema_migrations"]


async def test_a_database_that_has_more_migrations_than_we_know_is_none_of_our_business(
    database_url: str, tmp_path: Path
) -> None:
    await _migrate(database_url, _folder(tmp_path, "newer", m1="CREATE TABLE one ()", m2="CREATE TABLE two ()"))

    assert await _migrate(database_url, _folder(tmp_path, "older", m1="CREATE TABLE one ()")) == []


async def test_a_service_that_starts_later_adds_its_tables_to_the_log(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert "0001_event_log.sql" in await migrate(connection, [LOG_MIGRATIONS])
    assert await migrate(connection, [RELAY_MIGRATIONS, LOG_MIGRATIONS]) == ["0003_relay.sql"]
    await connection.close()
