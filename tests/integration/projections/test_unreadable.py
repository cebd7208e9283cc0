"""What a projection cannot read stops it right before; it never skips."""

from __future__ import annotations

import asyncpg
import pytest
from prometheus_client import REGISTRY

from shared.contracts.consent import ConsentGiven
from shared.contracts.registry import EVENTS
from shared.eventsourcing import projection_runner
from shared.eventsourcing.errors import LogIncompleteError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection import ProjectionStoppedError
from tests.integration.projections.keeping import (
    Seen,
    build_of,
    has_seen,
    keeping,
    say,
    seen,
    words,
)
from tests.support.events import append, new_event, open_log
from tests.support.eventually import eventually

_UNREADABLE = {
    "unknown": ("poll.opened.v1", b"{}", "which this version does not know"),
    "malformed": (ConsentGiven.type, b'{"at": "yesterday"}', "cannot be read"),
}


@pytest.mark.parametrize(("wire_type", "payload", "reason"), _UNREADABLE.values(), ids=_UNREADABLE)
async def test_an_event_that_cannot_be_read_stops_it_right_before(
    database: asyncpg.Pool, store: PostgresEventStore, wire_type: str, payload: bytes, reason: str
) -> None:
    """Seen to fail with such events left out: the position was 4 then."""
    tables = Seen()
    async with keeping(tables.projection(), store, database) as runner:
        await say(store, *words(2))
        await append(store, "poll-1", [new_event(payload, event_type=wire_type)])
        await say(store, *words(1, first=2))
        await eventually(lambda: _is_stopped(database, tables))

        error = runner.stopped
        assert isinstance(error, ProjectionStoppedError)
        assert (error.projection, error.position, error.event_type) == ("seen", 3, wire_type)
        assert f"stopped before global position 3, an event of type {wire_type}" in str(error)
        assert reason in str(error)
        assert "run a version of onrecord that can read it" in str(error)
        build = await build_of(database, tables.projection())
        assert build
        assert (build.position, build.stopped) == (2, str(error))
        assert await seen(database) == [1, 2]
        assert _metric("position") == 2
        assert _metric("stopped") == 1


class _LogWithAHole(PostgresEventStore):
    """A log whose third event is gone."""

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        page = await super().read_all(after, limit)
        if after >= 2 and page:
            raise LogIncompleteError("the log", 3, 4)
        return page[: 2 - after]


async def test_a_hole_in_the_log_stops_it_and_is_written_down(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with only unreadable events written down."""
    monkeypatch.setattr(projection_runner, "_PAGE", 2)
    tables = Seen()
    async with keeping(tables.projection(), _LogWithAHole(database), database) as runner:
        await say(store, *words(4))
        await eventually(lambda: _is_stopped(database, tables))
        build = await build_of(database, tables.projection())
        assert build
        assert (build.position, build.stopped) == (2, str(runner.stopped))
    assert "goes on at position 4 where 3 is expected" in str(runner.stopped)


async def test_a_version_that_knows_the_event_goes_on_from_there_while_the_other_still_runs(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with the lock kept by the one that had stopped."""
    tables = Seen()
    async with keeping(tables.projection(), store, database) as runner:
        await append(store, "poll-1", [new_event(b"{}", event_type="poll.opened.v1")])
        await say(store, *words(1))
        await eventually(lambda: runner.stopped)
        monkeypatch.setitem(EVENTS, "poll.opened.v1", EVENTS["webhook.failed.v1"])
        async with open_log(database_url) as pool, keeping(tables.projection(), PostgresEventStore(pool), pool):
            await eventually(lambda: has_seen(database, 1))

    build = await build_of(database, tables.projection())
    assert build
    assert (build.position, build.stopped) == (2, None)


async def _is_stopped(pool: asyncpg.Pool, tables: Seen) -> bool:
    build = await build_of(pool, tables.projection())
    return build is not None and build.stopped is not None and _metric("stopped") == 1


def _metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"onrecord_projection_{name}", {"projection": "seen"})
