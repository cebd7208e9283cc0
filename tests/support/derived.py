"""Which tables of the database are the log, which are made of it alone, and which are neither; and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import asyncpg

from services.audit.replay import plain
from services.projections import PROJECTIONS
from shared.eventsourcing.projection_builds import Build
from tests.support.living import Handlers

#: Never changed by a rebuild: what everything else is made of.
LOG = {"streams", "pending_events", "events", "partitions", "partition_size"}
#: Made of the log alone, beside the schemas of projections: may be deleted at any time.
DERIVED = {"projections", "snapshots"}
#: Neither, and why each may be.
BESIDE = {
    "schema_migrations": "which tables were made",
    "relay_checkpoint": "up to where events were published: publishing some again changes nothing",
    "gateway_horizons": "of processes that run now",
    "tickets": "a secret, for seconds; that somebody came in by it is in the log",
    "resumptions": "secrets, for minutes",
    "invites": "secrets, which may not be in a log that everybody reads",
}

_ALL = """SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"""
_COLUMNS = """SELECT format('%s.%s: %s%s%s', relname, attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
    WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    ORDER BY relname, attnum"""
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname"
_BUILDS = "SELECT name, stage, version, position, stopped FROM projections ORDER BY name, stage"

Database: TypeAlias = asyncpg.Connection | asyncpg.Pool


def kind_of(schema: str, table: str) -> Literal["log", "derived", "beside"] | None:
    """Return what a table is; None: nobody has said."""
    if schema in PROJECTIONS or table in DERIVED:
        return "derived"
    if table in LOG or table.startswith("events_from_"):
        return "log"
    return "beside" if table in BESIDE else None


async def all_tables(database: Database) -> list[tuple[str, str]]:
    return [tuple(row) for row in await database.fetch(_ALL)]


async def rows(database: Database, *kinds: str) -> dict[str, list[str]]:
    """Return all rows of all tables of these kinds, as text."""
    tables = [f"{schema}.{table}" for schema, table in await all_tables(database) if kind_of(schema, table) in kinds]
    return {table: await _lines(database, table) for table in tables}


async def made(database: Database, projection: str) -> dict[str, list[str]]:
    """Return what a projection has made: its columns, its indexes and its rows."""
    return {
        "columns": [row[0] for row in await database.fetch(_COLUMNS, projection)],
        "indexes": [row[0] for row in await database.fetch(_INDEXES, projection)],
        **await dump(database, projection),
    }


async def dump(database: Database, schema: str) -> dict[str, list[str]]:
    """Return all rows of all tables of a schema, as text."""
    tables = [table for each, table in await all_tables(database) if each == schema]
    return {table: await _lines(database, f"{schema}.{table}") for table in tables}


async def builds(database: Database) -> list[Build]:
    return [Build(*row) for row in await database.fetch(_BUILDS)]


async def states(handlers: Handlers, streams: Mapping[str, str]) -> dict[str, Any]:
    """Return the position and the state of every stream."""
    loaded = {stream: await handlers[streams[stream]].load(stream) for stream in sorted(streams)}
    return {stream: (each.position, plain(each.state)) for stream, each in loaded.items()}


async def snapshots(handlers: Handlers, database: Database, streams: Mapping[str, str]) -> dict[str, Any]:
    """Return the position and the state of every snapshot. Sets in it are in no order, so its bytes may differ."""
    kept = dict(await database.fetch("SELECT stream, position FROM snapshots"))
    loaded = {stream: await _snapshot(handlers, streams, stream) for stream in sorted(kept)}
    assert all(each and each.position == kept[stream] for stream, each in loaded.items()), "some cannot be read"
    return {stream: (kept[stream], plain(each.state)) for stream, each in loaded.items()}


async def _snapshot(handlers: Handlers, streams: Mapping[str, str], stream: str) -> Any:
    kept = handlers[streams[stream]]._snapshots
    assert kept
    return await kept.load(stream)


async def _lines(database: Database, table: str) -> list[str]:
    # Sorted here: the order of text is another one in each database.
    return sorted(row[0] for row in await database.fetch(f"SELECT t::text FROM {table} t"))
