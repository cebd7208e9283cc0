"""Migrations: numbered SQL files, each applied once, under a lock, in the order of their names."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources.abc import Traversable

import asyncpg

#: Held while migrating, so that services that start together do not collide. Any constant serves.
_LOCK = 7_205_759_403

_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


async def migrate(connection: asyncpg.Connection, folders: Sequence[Traversable]) -> list[str]:
    """Apply what the database does not have yet, all or nothing; return the names of what was applied."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_HISTORY)
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
        missing = [file for file in _files(folders) if file.name not in applied]
        for file in missing:
            await connection.execute(file.read_text())
            await connection.execute("INSERT INTO schema_migrations (name) VALUES ($1)", file.name)
    return [file.name for file in missing]


def _files(folders: Sequence[Traversable]) -> list[Traversable]:
    files = [file for folder in folders for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(files, key=lambda file: file.name)
