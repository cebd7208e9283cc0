"""Replaying the log after deleting every projection and snapshot gives identical state."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from services.projections import PROJECTIONS
from services.system import MIGRATIONS
from shared.concurrency.supervision import supervised
from shared.contracts.registry import EVENTS
from shared.eventsourcing import command_handler
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import ProjectionRunner, rebuild
from shared.runtime.database import open_database
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings
from tests.integration.projections.keeping import administrating, unwatched
from tests.support.command import onrecord
from tests.support.derived import (
    BESIDE,
    DERIVED,
    LOG,
    all_tables,
    builds,
    kind_of,
    made,
    rows,
    snapshots,
    states,
)
from tests.support.eventually import eventually
from tests.support.folds import Folds
from tests.support.in_memory import InMemoryEventStore
from tests.support.living import Handlers, Living, handlers
from tests.support.whole_history import live_through, others

#: Another process than this one, as far as a program could notice.
_ELSEWHERE = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Chatham"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """All tables that there are."""
    async with open_database(Settings(database_url=database_url), [LOG_MIGRATIONS, *MIGRATIONS]) as pool:
        yield pool


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_deleted_is_made_again_from_the_log_and_is_the_same(
    database_url: str,
    database: asyncpg.Pool,
    store: PostgresEventStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    seed: int,
) -> None:
    """Seen to fail with a fold, with a projection and with a snapshot that hold anything that is not in the log."""
    monkeypatch.setattr(command_handler, "_SNAPSHOT_EVERY", 3)
    living = await _live(database, store, Random(seed))
    assert {stored.type for stored in await store.read_all(limit=10_000)} == EVENTS.keys()
    monkeypatch.setattr(command_handler, "_SNAPSHOT_EVERY", 1)
    kept = await _derived(database, store, living.streams, living.handlers, living.folds)
    _assert_there_is_something_everywhere(kept)
    not_derived = await _rows_of_the_rest(database_url)

    await _delete_all_that_is_derived(database_url)
    await _rebuild_by_hand(database_url, tmp_path)
    folds = await _told_again(store)
    _assert_same(await _derived(database, store, living.streams, handlers(store, database), folds), kept)

    await _delete_all_that_is_derived(database_url)
    await _keep_from_nothing(store, database)
    folds = await _told_again(store)
    _assert_same(await _derived(database, store, living.streams, handlers(store, database), folds), kept)

    assert await asyncio.to_thread(_folds_elsewhere, database_url) == kept["folds"]
    assert await _rows_of_the_rest(database_url) == not_derived


async def test_every_table_is_the_log_or_made_of_it_or_beside_it_for_a_reason(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with a table more."""
    for projection in PROJECTIONS.values():
        await rebuild(projection, store, database, unwatched)
    tables = await all_tables(database)
    nobodys = [table for table in tables if kind_of(*table) is None]
    assert nobodys == [], "say in tests/support/derived.py what they are; what is made of the log must be rebuilt here"
    assert {table for _, table in tables} >= LOG | DERIVED | BESIDE.keys()


async def _live(pool: asyncpg.Pool, store: PostgresEventStore, random: Random) -> Living:
    """Let everything happen, while all that is made of it is kept."""
    for projection in PROJECTIONS.values():
        await rebuild(projection, InMemoryEventStore(), pool, unwatched)
    async with store.lead() as sequencer:
        living = Living(store, pool, sequencer, random, others(random))
        await live_through(living)
    return living


async def _derived(
    pool: asyncpg.Pool, store: PostgresEventStore, streams: dict[str, str], deciding: Handlers, folds: Folds
) -> dict[str, Any]:
    """Return all that was made of the log. Streams are loaded by what decides on them."""
    by_those = await states(deciding, streams)
    # Those remember nothing: by them each snapshot comes to its stream's head.
    forgetful = handlers(store, pool)
    assert await states(forgetful, streams) == by_those
    return {
        "projections": {name: await made(pool, name) for name in PROJECTIONS},
        "builds": await builds(pool),
        "states": by_those,
        "snapshots": await snapshots(forgetful, pool, streams),
        "folds": folds.held(),
    }


def _assert_there_is_something_everywhere(kept: dict[str, Any]) -> None:
    empty = [
        f"{name}.{table}" for name, each in kept["projections"].items() for table, lines in each.items() if not lines
    ]
    empty += [name for name, known in kept["folds"].items() if not known]
    assert empty == [], "the history leaves nothing in them"
    assert kept["snapshots"].keys() == kept["states"].keys()


def _assert_same(rebuilt: dict[str, Any], kept: dict[str, Any]) -> None:
    assert rebuilt.keys() == kept.keys()
    for what, known in kept.items():
        assert rebuilt[what] == known, f"{what} are not what they were"


async def _delete_all_that_is_derived(database_url: str) -> None:
    async with administrating(database_url) as administrator:
        for name in PROJECTIONS:
            await administrator.execute(f"DROP SCHEMA {name} CASCADE; DROP SCHEMA IF EXISTS {name}_building CASCADE")
        await administrator.execute("DELETE FROM projections; DELETE FROM snapshots")
        assert not any((await rows(administrator, "derived")).values())


async def _rows_of_the_rest(database_url: str) -> dict[str, list[str]]:
    async with administrating(database_url) as administrator:
        return await rows(administrator, "log", "beside")


async def _rebuild_by_hand(database_url: str, tmp_path: Path) -> None:
    settings = {"ONRECORD_DATABASE_URL": database_url, **_ELSEWHERE}
    ended = await asyncio.to_thread(onrecord, "projections rebuild", settings, tmp_path)
    assert ended.returncode == 0, ended.stderr


async def _keep_from_nothing(store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    """Run what keeps projections, as services do, until all are live."""
    runners = [ProjectionRunner(projection, store, pool).run() for projection in PROJECTIONS.values()]

    async def are_live() -> bool:
        return {build.name for build in await builds(pool) if build.stage == "live"} == PROJECTIONS.keys()

    async with supervised(*runners):
        await eventually(are_live)


async def _told_again(store: PostgresEventStore) -> Folds:
    folds = Folds.of(store)
    await folds.follower.catch_up()
    return folds


def _folds_elsewhere(database_url: str) -> Any:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.folds", database_url],
        env={**os.environ, **_ELSEWHERE},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
