"""A projection that cannot be written says so, and one whose tables are gone is made anew."""

from __future__ import annotations

import asyncpg
import pytest
from prometheus_client import REGISTRY

from shared.eventsourcing import projection_runner
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection import ProjectionFailedError
from shared.eventsourcing.projection_builds import Build, all_builds
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import Seen, build_of, has_seen, keeping, say, seen, unwatched, words
from tests.support.derived import dump
from tests.support.eventually import eventually

_FAULTS: dict[str, tuple[str | Exception, str]] = {
    "a table is not as it should be": ("SELECT nothing FROM seen", 'UndefinedColumnError: column "nothing" does not'),
    "a row cannot be written": ("INSERT INTO seen VALUES (1, NULL)", "UniqueViolationError: duplicate key"),
    "the program has a bug": (KeyError("colour"), "KeyError: 'colour'"),
}


@pytest.mark.parametrize(("fault", "reason"), _FAULTS.values(), ids=_FAULTS)
async def test_what_cannot_be_written_stops_it_with_the_reason_until_it_can(
    database: asyncpg.Pool,
    store: PostgresEventStore,
    monkeypatch: pytest.MonkeyPatch,
    fault: str | Exception,
    reason: str,
) -> None:
    """Seen to fail with every error of the database taken for an outage: it was tried again for ever, and ready."""
    monkeypatch.setattr(projection_runner, "_STOPPED_SECONDS", 0.1)
    tables = Seen()
    async with keeping(tables.projection(), store, database) as runner:
        tables.faults = [fault] * 1000
        await say(store, *words(1))
        await eventually(lambda: runner.stopped)

        assert isinstance(runner.stopped, ProjectionFailedError)
        assert str(runner.stopped).startswith(f"projection seen has failed: {reason}")
        assert "make it anew with onrecord projections rebuild seen" in str(runner.stopped)
        build = await build_of(database, tables.projection())
        assert build == Build("seen", "live", 1, 0, str(runner.stopped))
        assert _stopped_metric() == 1

        tables.faults.clear()
        await eventually(lambda: has_seen(database, 1))
        await eventually(lambda: runner.stopped is None and _stopped_metric() == 0)


async def test_a_first_build_that_cannot_be_written_says_so_as_well(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    tables = Seen(faults=["SELECT 1 / 0"] * 1000)
    await say(store, *words(1))
    async with keeping(tables.projection(), store, database, until_live=False) as runner:
        await eventually(lambda: runner.stopped)
        assert await all_builds(database) == [Build("seen", "building", 1, 0, str(runner.stopped))]


async def test_a_rebuild_that_cannot_be_written_fails_and_leaves_the_live_one_as_it_was(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(2))
    await rebuild(Seen().projection(), store, database, unwatched)

    with pytest.raises(ProjectionFailedError, match="division by zero"):
        await rebuild(Seen(faults=["SELECT 1 / 0"]).projection(), store, database, unwatched)

    assert await seen(database) == [1, 2]
    assert await all_builds(database) == [Build("seen", "live", 1, 2)]


async def test_a_deadlock_passes_and_stops_nothing(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a deadlock taken for a fault of the projection."""
    monkeypatch.setattr(projection_runner, "_STOPPED_SECONDS", 3600)
    tables = Seen()
    async with keeping(tables.projection(), store, database):
        tables.faults = [asyncpg.DeadlockDetectedError("the test said so")]
        await say(store, *words(1))
        await eventually(lambda: has_seen(database, 1))


async def test_one_whose_tables_were_dropped_is_made_anew_though_nothing_happens(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with its row alone looked at: it was live for ever, without tables."""
    await say(store, *words(3))
    async with keeping(Seen().projection(), store, database) as runner:
        before = await dump(database, "seen")
        await database.execute("DROP SCHEMA seen CASCADE")

        await eventually(lambda: _is_back(database, before))
        assert runner.stopped is None
    assert await all_builds(database) == [Build("seen", "live", 1, 3)]


async def test_one_whose_tables_were_dropped_while_nobody_kept_it_is_made_anew(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(2))
    await rebuild(Seen().projection(), store, database, unwatched)
    await database.execute("DROP SCHEMA seen CASCADE")

    async with keeping(Seen().projection(), store, database):
        assert await seen(database) == [1, 2]


async def test_a_half_built_one_whose_tables_were_dropped_is_begun_anew(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with its row alone looked at: it could never be gone on with."""
    await say(store, *words(2))
    half = Seen()
    half.gate.clear()
    async with keeping(half.projection(), store, database, until_live=False):
        await eventually(lambda: all_builds(database))
    await database.execute("DROP SCHEMA seen_building CASCADE")

    async with keeping(Seen().projection(), store, database):
        assert await seen(database) == [1, 2]


async def _is_back(pool: asyncpg.Pool, before: dict[str, list[str]]) -> bool:
    return bool(before) and await dump(pool, "seen") == before


def _stopped_metric() -> float | None:
    return REGISTRY.get_sample_value("onrecord_projection_stopped", {"projection": "seen"})
