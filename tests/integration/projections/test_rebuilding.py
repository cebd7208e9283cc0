"""Projections are built from zero beside the live one, which goes on until they take its place."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from shared.eventsourcing import projection_builds, projection_runner
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection import Projection, ProjectionStoppedError
from shared.eventsourcing.projection_builds import Build, all_builds
from shared.eventsourcing.projection_runner import BuildRunningError, ProjectionOutdatedError, rebuild
from tests.integration.projections.keeping import (
    Seen,
    build_of,
    keeping,
    say,
    seen,
    unwatched,
    words,
)
from tests.support.derived import dump
from tests.support.events import append, new_event, open_log
from tests.support.eventually import eventually


async def test_a_new_version_is_built_from_zero_while_the_old_one_is_live_and_goes_on(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with the new one live before it has come to the log's end."""
    old, new = Seen(version=1), Seen(version=2)
    new.gate.clear()
    await say(store, *words(3))
    async with (
        keeping(old.projection(), store, database),
        open_log(database_url) as pool,
        keeping(new.projection(), PostgresEventStore(pool), pool, until_live=False) as newer,
    ):
        await eventually(lambda: _stages(database, ["building 2", "live 1"]))
        await say(store, *words(2, first=3))
        await eventually(lambda: _seen_is(database, [1, 2, 3, 4, 5]))

        new.gate.set()
        await eventually(lambda: _stages(database, ["live 2"]))
        await say(store, *words(1, first=5))
        await eventually(lambda: _seen_is(database, [1, 2, 3, 4, 5, 6]))
        assert newer.stopped is None

    assert await database.fetch("SELECT FROM pg_namespace WHERE nspname = 'seen_building'") == []


async def test_an_old_version_leaves_a_newer_one_alone_and_says_so(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with any other version replaced: two that ran together built in turn, for ever."""
    await say(store, *words(1))
    async with keeping(Seen(version=2).projection(), store, database):
        pass
    async with keeping(Seen(version=1).projection(), store, database, until_live=False) as older:
        await eventually(lambda: older.stopped)
        assert isinstance(older.stopped, ProjectionOutdatedError)
        assert "is live in version 2, and this program makes version 1" in str(older.stopped)

        await rebuild(Seen(version=1).projection(), store, database, unwatched)
        await say(store, *words(1, first=1))
        await eventually(lambda: _seen_is(database, [1, 2]))
        assert older.stopped is None


async def test_only_one_process_builds_at_a_time(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    slow = Seen()
    slow.gate.clear()
    await say(store, *words(1))
    building = asyncio.create_task(rebuild(slow.projection(), store, database, unwatched))
    await eventually(lambda: _stages(database, ["building 1"]))

    with pytest.raises(BuildRunningError, match="projection seen is being built by another process"):
        await rebuild(Seen().projection(), store, database, unwatched)

    slow.gate.set()
    await building
    assert await seen(database) == [1]


async def test_a_build_that_was_cut_off_is_gone_on_with(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with every build begun anew: the first page was read twice."""
    monkeypatch.setattr(projection_runner, "_PAGE", 2)
    tables = Seen(faults=["SELECT 1", "RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())"])
    await say(store, *words(5))

    async with keeping(tables.projection(), store, database):
        assert await seen(database) == [1, 2, 3, 4, 5]

    assert tables.pages == 4  # one of them twice


async def test_what_another_version_has_left_half_built_is_not_gone_on_with(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with any half-built one gone on with: its tables are others."""
    await say(store, *words(2))
    half = Seen(version=1)
    half.gate.clear()
    other = replace(half.projection(), tables="CREATE TABLE seen (name text)")
    async with keeping(other, store, database, until_live=False):
        await eventually(lambda: _stages(database, ["building 1"]))
    async with keeping(Seen(version=2).projection(), store, database):
        assert await seen(database) == [1, 2]
        assert await _stages(database, ["live 2"])


async def test_a_rebuild_that_meets_what_it_cannot_read_fails_and_leaves_the_live_one_as_it_was(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(2))
    await rebuild(Seen().projection(), store, database, unwatched)
    await append(store, "poll-1", [new_event(event_type="poll.opened.v1")])
    await say(store, *words(1, first=2))
    before = await dump(database, "seen")

    with pytest.raises(ProjectionStoppedError, match=r"before global position 3, an event of type poll\.opened\.v1"):
        await rebuild(Seen().projection(), store, database, unwatched)

    assert await dump(database, "seen") == before
    assert await _builds(database) == [Build("seen", "live", 1, 2)]
    assert await dump(database, "seen_building") == {}


async def test_a_swap_that_fails_halfway_changes_nothing(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, *words(2))
    await rebuild(Seen().projection(), store, database, unwatched)
    monkeypatch.setattr(projection_builds, "_GO_LIVE", "SELECT 1 / 0 WHERE $1 <> ''")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await rebuild(Seen().projection(), store, database, unwatched)

    assert await seen(database) == [1, 2]
    assert await _stages(database, ["building 1", "live 1"])


async def test_progress_is_told_up_to_the_logs_end(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_runner, "_PAGE", 2)
    await say(store, *words(5))
    told: list[tuple[int, int]] = []

    await rebuild(Seen().projection(), store, database, lambda position, head: told.append((position, head)))

    assert told == [(2, 5), (4, 5), (5, 5)]


async def test_a_projection_may_change_its_tables_from_version_to_version(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(1))
    await rebuild(Seen().projection(), store, database, unwatched)

    async def apply(connection: asyncpg.Connection, told: object) -> None:
        await connection.execute("INSERT INTO seen VALUES ('one')")

    other = Projection("seen", 2, "CREATE TABLE seen (name text)", Seen().projection().events, apply)
    async with keeping(other, store, database):
        assert await dump(database, "seen") == {"seen": ["(one)"]}
    live = await build_of(database, other)
    assert live
    assert live.version == 2


async def _seen_is(pool: asyncpg.Pool, positions: list[int]) -> bool:
    return await seen(pool) == positions


async def _builds(pool: asyncpg.Pool) -> list[Build]:
    return await all_builds(pool)


async def _stages(pool: asyncpg.Pool, stages: list[str]) -> bool:
    return [f"{build.stage} {build.version}" for build in await _builds(pool)] == stages
