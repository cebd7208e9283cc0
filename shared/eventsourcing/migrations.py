"""Migrations: numbered SQL files, each applied once, under a lock, in the order of their names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources.abc import Traversable

import asyncpg

from shared.eventsourcing.errors import MigrationError

#: Held while migrating, so that services that start together do not collide. Any constant serves.
_LOCK = 7_205_759_403

_HISTORY = """
CREATE TABLE schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


async def migrate(connection: asyncpg.Connection, folders: Sequence[Traversable]) -> list[str]:
    """Apply what the database does not have yet, all or nothing; return the names of what was applied.

    Raises MigrationError when one fails, or is not what was applied under its name. The database may have more: its
    other services' and a newer version's.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        with _permission_told("of the log"):
            applied = await _applied(connection)
        missing = [file for file in _files(folders) if not _is_applied(file, applied)]
        for file in missing:
            await _apply(connection, file)
    return [file.name for file in missing]


async def _applied(connection: asyncpg.Connection) -> dict[str, str]:
    # Looked for first: a role that only uses the log may not make tables, not even those that are there.
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        await connection.execute(_HISTORY)
    return dict(await connection.fetch("SELECT name, sha256 FROM schema_migrations"))


def _files(folders: Sequence[Traversable]) -> list[Traversable]:
    files = [file for folder in folders for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(files, key=lambda file: file.name)


def _is_applied(file: Traversable, applied: Mapping[str, str]) -> bool:
    if file.name not in applied:
        return False
    if applied[file.name] != _sha256(file):
        raise MigrationError(file.name, "was edited after it was applied: add a new one instead")
    return True


async def _apply(connection: asyncpg.Connection, file: Traversable) -> None:
    try:
        with _permission_told(file.name):
            await connection.execute(file.read_text())
    except asyncpg.PostgresError as error:
        raise MigrationError(file.name, f"failed: {error}") from error
    await connection.execute("INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", file.name, _sha256(file))


@contextmanager
def _permission_told(migration: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        reason = f"is not applied, and may not be by this role ({error}): run onrecord migrate as the database's owner"
        raise MigrationError(migration, reason) from error


def _sha256(file: Traversable) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
