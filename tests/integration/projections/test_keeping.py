"""Projections follow the log: every event once, whatever ends in between."""

from __future__ import annotations

import asyncio
from functools import partial

import asyncpg
import pytest

from shared.eventsourcing import log_hint, projection_runner
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import Companion, ProjectionRunner
from tests.integration.projections.keeping import (
    Seen,
    administrating,
    has_seen,
    keeping,
    position_of,
    say,
    seen,
    words,
)
from tests.support.events import append, new_event, open_log, sequence_all
from tests.support.eventually import eventually
from tests.support.proxy import proxied

_KEEPERS = """FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


async def test_a_projection_has_what_happened_before_it_began_and_what_happens_then(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(3))

    async with keeping(Seen().projection(), store, database):
        assert await seen(database) == [1, 2, 3]
        await say(store, *words(2, first=3))
        await eventually(lambda: has_seen(database, 5))

    assert await position_of(database, Seen().projection()) == 5


async def test_events_of_others_move_the_position_and_are_not_handed_on(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with payloads decoded whosever they are: `{}` is no room."""
    tables = Seen()
    await append(store, "room-r", [new_event(event_type="room.created.v1")])
    await sequence_all(store)

    async with keeping(tables.projection(), store, database):
        await eventually(lambda: _is_at(database, 1))

    assert tables.pages == 0


async def test_pages_do_not_leave_out_or_double_what_is_at_their_ends(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_runner, "_PAGE", 2)
    await say(store, *words(5))

    async with keeping(Seen().projection(), store, database):
        assert await seen(database) == [1, 2, 3, 4, 5]


_FAULTS: dict[str, str | Exception] = {
    "the program fails": LogUnavailableError("the test said so"),
    "a statement fails": "SELECT 1 / 0",
    "the session is ended": "RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())",
}


@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
async def test_between_rows_and_position_nothing_can_come(
    database: asyncpg.Pool, store: PostgresEventStore, fault: str | Exception
) -> None:
    """Seen to fail with the position written in a transaction of its own, before the rows: they were missing then."""
    tables = Seen()
    async with keeping(tables.projection(), store, database):
        tables.faults = [fault, fault]
        await say(store, *words(3))
        await eventually(lambda: has_seen(database, 3))

    assert tables.faults == []
    assert await position_of(database, tables.projection()) == 3


async def test_a_page_that_was_rolled_back_leaves_the_position_where_it_was(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    tables = Seen()
    async with keeping(tables.projection(), store, database):
        tables.faults = ["SELECT 1 / 0"] * 1000
        await say(store, *words(3))
        await eventually(lambda: tables.pages >= 2)
        assert await position_of(database, tables.projection()) == 0
        assert await seen(database) == []


async def test_of_two_processes_one_keeps_it_and_the_other_takes_over(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail without the lock: both kept it then."""
    at_work: list[str] = []

    def companion(name: str) -> Companion:
        async def work(_: asyncio.Event) -> None:
            at_work.append(name)
            assert len(at_work) == 1
            try:
                await asyncio.Event().wait()
            finally:
                at_work.remove(name)

        return work

    async with (
        open_log(database_url) as other,
        keeping(Seen().projection(), store, database, companion("one")),
        keeping(Seen().projection(), PostgresEventStore(other), other, companion("other")),
        administrating(database_url) as administrator,
    ):
        for round_ in range(3):
            await eventually(lambda: at_work)
            await say(store, *words(2, first=2 * round_))
            await eventually(partial(has_seen, database, 2 * round_ + 2))
            kept_by = await administrator.fetchval(f"SELECT pid {_KEEPERS}")
            await administrator.execute("SELECT pg_terminate_backend($1)", kept_by)
            await eventually(partial(_is_kept_by_another, administrator, kept_by))


async def test_a_lost_hint_is_made_up_for_by_a_look(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a poll of a minute."""
    monkeypatch.setattr(log_hint, "_CHANNEL", "somewhere_else")
    async with keeping(Seen().projection(), store, database):
        await say(store, *words(1))
        await eventually(lambda: has_seen(database, 1))


async def test_a_hint_is_followed_at_once(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail on a channel where nobody notifies."""
    monkeypatch.setattr(projection_runner, "_POLL_SECONDS", 60)
    async with keeping(Seen().projection(), store, database):
        for count in range(1, 4):
            await say(store, *words(1, first=count))
            await eventually(partial(has_seen, database, count))


async def test_when_the_database_comes_back_it_goes_on(database_url: str, store: PostgresEventStore) -> None:
    async with (
        proxied(database_url) as proxy,
        open_log(proxy.url) as pool,
        keeping(Seen().projection(), PostgresEventStore(pool), pool),
    ):
        await proxy.close()
        await say(store, *words(3))
        await eventually(lambda: _is_away(pool))
        await proxy.open()
        await eventually(lambda: has_seen(pool, 3))


async def test_it_ends_cleanly_wherever_it_is(database: asyncpg.Pool, store: PostgresEventStore) -> None:
    await say(store, *words(2))
    for pauses in range(40):
        runner = asyncio.create_task(ProjectionRunner(Seen().projection(), store, database).run())
        await asyncio.sleep(pauses * 0.001)
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        assert runner.cancelled()

    async with keeping(Seen().projection(), store, database):
        assert await seen(database) == [1, 2]


async def test_services_may_make_tables_of_their_own_and_touch_the_log_no_more_than_before(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(1))
    async with keeping(Seen().projection(), store, database):
        for refused in (
            "CREATE TABLE public.mine ()",
            "DROP TABLE events",
            "ALTER TABLE events SET SCHEMA seen",
            "CREATE TABLE seen.child () INHERITS (streams)",
            "CREATE TABLE seen.child (name text REFERENCES streams)",
            "UPDATE events SET payload = ''",
            "DELETE FROM pending_events",
            "INSERT INTO events SELECT * FROM events",
            "DROP TABLE projections",
            "ALTER SCHEMA public RENAME TO theirs",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.execute(refused)


async def _is_away(pool: asyncpg.Pool) -> bool:
    try:
        await seen(pool)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    return False


async def _is_at(pool: asyncpg.Pool, position: int) -> bool:
    return await position_of(pool, Seen().projection()) == position


async def _is_kept_by_another(administrator: asyncpg.Connection, session: int) -> bool:
    keepers = [row["pid"] for row in await administrator.fetch(f"SELECT pid {_KEEPERS}")]
    return len(keepers) == 1 and keepers != [session]
