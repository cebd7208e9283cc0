"""The log when its database goes away, and when it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
import pytest

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import append, new_event, new_events, open_log, sequence_all
from tests.support.eventually import eventually
from tests.support.proxy import proxied

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_TERMINATE = f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}"
_WAITING = f"{_OTHERS} AND wait_event_type = 'Lock'"
_TERMINATE_LEADER = """SELECT count(pg_terminate_backend(pid)) FROM pg_locks
    WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

_CALLS: dict[str, Callable[[PostgresEventStore], Awaitable[object]]] = {
    "append": lambda store: store.append("other", 0, new_events(1)),
    "read": lambda store: store.read("s"),
    "read_all": lambda store: store.read_all(),
    "head": lambda store: store.head(),
    "lead": sequence_all,
}


@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)
async def test_while_the_database_is_away_every_call_says_so_and_afterwards_it_works(
    database_url: str, call: Callable[[PostgresEventStore], Awaitable[object]]
) -> None:
    async with proxied(database_url) as proxy, open_log(proxy.url) as pool:
        store = PostgresEventStore(pool)
        await store.append("s", 0, new_events(1))
        await proxy.close()

        for _ in range(3):
            with pytest.raises(LogUnavailableError, match="check ONRECORD_DATABASE_URL"):
                await call(store)
        await proxy.open()
        await call(store)

        assert len(await store.read("s")) == 1


async def test_after_the_server_ended_all_connections_the_log_goes_on(
    database_url: str, store: PostgresEventStore
) -> None:
    await asyncio.gather(*(store.append(f"s-{number}", 0, new_events(1)) for number in range(8)))
    administrator = await asyncpg.connect(database_url)
    await administrator.fetchval(_TERMINATE)
    await administrator.close()

    await eventually(lambda: _works(store))
    assert len(await store.read("s-0")) == 1


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_an_append_that_the_server_ends_is_told_and_nothing_is_half_done(
    database_url: str, store: PostgresEventStore, end: str
) -> None:
    blocker, administrator = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    transaction = blocker.transaction()
    await transaction.start()
    await PostgresEventStore(blocker).append("s", 0, new_events(1))
    appending = asyncio.create_task(store.append("s", 0, new_events(2)))
    await eventually(lambda: administrator.fetchval(f"SELECT count({end}(pid)) {_WAITING}"))

    with pytest.raises(LogUnavailableError):
        await appending

    await transaction.rollback()
    assert await store.read("s") == []
    assert await store.append("s", 0, new_events(1)) == 1
    await blocker.close()
    await administrator.close()


async def test_a_server_that_may_only_be_read_from_is_taken_for_an_outage(
    database_url: str, store: PostgresEventStore
) -> None:
    administrator = await asyncpg.connect(database_url)
    await _set_read_only(administrator, "on")

    with pytest.raises(LogUnavailableError):
        await store.append("s", 0, new_events(1))

    await _set_read_only(administrator, "off")
    await eventually(lambda: _works(store))
    await administrator.close()


async def test_when_the_leader_is_killed_another_takes_over_and_no_position_is_missing_or_double(
    database_url: str, store: PostgresEventStore
) -> None:
    leaders: list[str] = []

    async def lead(name: str) -> None:
        while True:
            try:
                async with store.lead() as sequencer:
                    leaders.append(name)
                    while True:
                        await sequencer.sequence(2)
            except LogUnavailableError:
                await eventually(lambda: leaders[-1] != name)  # so that it is the other's turn

    async def keep_appending() -> None:
        while len(leaders) < 4:
            await append(store, "s", new_events(3))

    leading = [asyncio.create_task(lead(name)) for name in ("a", "b")]
    appending = asyncio.create_task(keep_appending())
    administrator = await asyncpg.connect(database_url)
    for reign in range(1, 4):
        await eventually(partial(_count_is, leaders, reign))
        await administrator.fetchval(_TERMINATE_LEADER)
    await eventually(partial(_count_is, leaders, 4))
    await appending  # to its end: an append that nobody waits for any more is written nevertheless
    for task in leading:
        task.cancel()
    await asyncio.gather(*leading, return_exceptions=True)
    await administrator.close()

    await sequence_all(store)
    events = await store.read("s")
    assert leaders in (["a", "b"] * 2, ["b", "a"] * 2)
    assert [event.global_position for event in events] == list(range(1, len(events) + 1))


async def test_a_leader_that_is_cancelled_on_its_way_to_the_lead_does_not_hold_it_for_ever(
    store: PostgresEventStore,
) -> None:
    for pauses in range(12):
        leader = asyncio.create_task(sequence_all(store))
        for _ in range(pauses):
            await asyncio.sleep(0.0005)
        leader.cancel()
        await asyncio.gather(leader, return_exceptions=True)

    async with asyncio.timeout(5):
        await sequence_all(store)


async def _works(store: PostgresEventStore) -> bool:
    try:
        return await append(store, "again", [new_event()]) > 0
    except LogUnavailableError:
        return False


async def _set_read_only(administrator: asyncpg.Connection, value: str) -> None:
    """As after a failover: connections are ended, and new ones find a server that refuses to write."""
    await administrator.execute("SET default_transaction_read_only = off")
    name = await administrator.fetchval("SELECT current_database()")
    await administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
    before = await administrator.fetchval(f"SELECT array_agg(pid) {_OTHERS}")
    await administrator.fetchval(_TERMINATE)
    await eventually(lambda: administrator.fetchval(f"SELECT count(*) = 0 {_OTHERS} AND pid = ANY($1)", before))


def _count_is(items: list[str], count: int) -> bool:
    return len(items) == count
