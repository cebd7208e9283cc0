"""Builds of projections in Postgres: the live one, and the one that is made beside it to take its place.

Live tables are in the schema `<name>`, those being built in `<name>_building`. How far each has come is in the table
`projections` (sql/0005_projections.sql), which is changed in the same transaction as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import asyncpg

from shared.eventsourcing.errors import EventSourcingError
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.projection import Projection, ProjectionFailedError, Told

Stage = Literal["live", "building"]

#: How long a swap waits for those who read the old tables before it gives way to those who wait behind it. Less than
#: `deadlock_timeout`, so that it is never a reader who has to give up.
_SWAP_WAITS = "SET LOCAL lock_timeout = '200ms'"

_BUILDS = "SELECT name, stage, version, position, stopped FROM public.projections ORDER BY name, stage"
_FIND = "SELECT name, stage, version, position, stopped FROM public.projections WHERE name = $1 AND stage = $2"
_FIND_WHOLE = f"{_FIND} AND EXISTS (SELECT FROM pg_tables WHERE schemaname = $3)"
_BEGIN = "INSERT INTO public.projections (name, stage, version) VALUES ($1, $2, $3)"
_REMOVE = "DELETE FROM public.projections WHERE name = $1 AND stage = $2"
_STOP = "UPDATE public.projections SET stopped = $3 WHERE name = $1 AND stage = $2 AND stopped IS DISTINCT FROM $3"
#: Compares and sets: whoever was wrong about where the build is changes nothing. The schema holds for the transaction.
_ADVANCE = """UPDATE public.projections SET position = $5, stopped = NULL
    WHERE name = $1 AND stage = $2 AND version = $3 AND position = $4 RETURNING set_config('search_path', $6, true)"""
_GO_LIVE = "UPDATE public.projections SET stage = 'live' WHERE name = $1 AND stage = 'building'"
_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = $1"

#: What others have to do with, and passes: a deadlock, a lock that was not to be had.
PASSING = (asyncpg.TransactionRollbackError, asyncpg.ObjectNotInPrerequisiteStateError)


class BuildChangedError(EventSourcingError):
    """Somebody else changed the build since it was looked at."""

    def __init__(self, build: Build) -> None:
        super().__init__(
            f"the {build.stage} projection {build.name} is no longer version {build.version} at global position "
            f"{build.position}: look at it again"
        )
        self.build = build


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a projection, and how far it has come."""

    name: str
    stage: Stage
    version: int
    position: int = 0
    #: Why it does not go on. None while it does.
    stopped: str | None = None

    @property
    def schema(self) -> str:
        return _schema(self.name, self.stage)


def _schema(name: str, stage: Stage) -> str:
    return name if stage == "live" else f"{name}_building"


async def all_builds(connection: asyncpg.Connection | asyncpg.Pool) -> list[Build]:
    return [Build(*row) for row in await connection.fetch(_BUILDS)]


async def find_build(connection: asyncpg.Connection, name: str, stage: Stage) -> Build | None:
    """Return the build; None also for one whose tables are gone, as somebody dropped them: it has to be made anew."""
    row = await connection.fetchrow(_FIND_WHOLE, name, stage, _schema(name, stage))
    return Build(*row) if row else None


async def begin_build(connection: asyncpg.Connection, projection: Projection) -> Build:
    """Begin to build it anew; drop what an earlier try has left."""
    build = Build(projection.name, "building", projection.version)
    async with connection.transaction():
        await drop_build(connection, projection)
        await connection.execute(f"CREATE SCHEMA {build.schema}")
        await connection.execute(f"SET LOCAL search_path = {build.schema}")
        await connection.execute(projection.tables)
        await connection.execute(_BEGIN, build.name, build.stage, build.version)
    return build


async def drop_build(connection: asyncpg.Connection, projection: Projection) -> None:
    """Drop what is being built."""
    build = Build(projection.name, "building", projection.version)
    async with connection.transaction():
        await connection.execute(f"DROP SCHEMA IF EXISTS {build.schema} CASCADE")
        await connection.execute(_REMOVE, build.name, build.stage)


async def advance(
    connection: asyncpg.Connection, projection: Projection, build: Build, told: Sequence[Told], position: int
) -> Build:
    """Apply what it is told, and note the position, in one transaction.

    Raises BuildChangedError, ProjectionFailedError, and whatever passes by itself.
    """
    async with connection.transaction():
        ours = await connection.fetchrow(
            _ADVANCE, build.name, build.stage, build.version, build.position, position, build.schema
        )
        if ours is None:
            raise BuildChangedError(build)
        if told:
            await _apply(connection, projection, told)
    return replace(build, position=position, stopped=None)


async def _apply(connection: asyncpg.Connection, projection: Projection, told: Sequence[Told]) -> None:
    try:
        with outages_told():
            await projection.apply(connection, told)
    except (EventSourcingError, *PASSING):
        raise
    except Exception as error:
        # A bug of the program as well: one that ended the process would do so at each start, and take others with it.
        raise ProjectionFailedError(projection.name, f"{type(error).__name__}: {error}") from error


async def note_stop(connection: asyncpg.Connection, name: str, stage: Stage, reason: str) -> None:
    """Write down why the build does not go on; its next event takes that away."""
    await connection.execute(_STOP, name, stage, reason)


async def hold_live(connection: asyncpg.Connection, name: str) -> None:
    """Keep the live one from going on until the transaction's end: what it added now would be missing after a swap."""
    await connection.execute(_SWAP_WAITS)
    await connection.fetchrow(f"{_FIND} FOR UPDATE", name, "live")


async def swap(connection: asyncpg.Connection, build: Build) -> None:
    """Let the build take the place of the live one, which is held, and drop that; in the caller's transaction.

    Raises asyncpg.LockNotAvailableError while somebody reads the live one. The live schema stays, and tables are moved
    into it: a query that finds its table gone looks for the name again, and finds the new one.
    """
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {build.name}")
    for (table,) in await connection.fetch(_TABLES, build.name):
        await connection.execute(f"DROP TABLE {build.name}.{table} CASCADE")
    for (table,) in await connection.fetch(_TABLES, build.schema):
        await connection.execute(f"ALTER TABLE {build.schema}.{table} SET SCHEMA {build.name}")
    await connection.execute(f"DROP SCHEMA {build.schema} CASCADE")
    await connection.execute(_REMOVE, build.name, "live")
    await connection.execute(_GO_LIVE, build.name)
