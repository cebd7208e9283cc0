"""The races by which event logs on Postgres skip events, stall, or give a position twice."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import ids, new_event, new_events, sequence_all
from tests.support.eventually import eventually
from tests.support.postgres import someone_waits

#: Long for anything here, short for a person who waits.
_AT_ONCE = 5


async def test_an_event_that_commits_late_is_not_skipped(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    late, prompt = new_event(), new_events(5)
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("slow", 0, [late])
    async with asyncio.timeout(_AT_ONCE):
        for number, event in enumerate(prompt):
            await store.append(f"prompt-{number}", 0, [event])
        await sequence_all(store)
    page = await store.read_all()
    assert ids(page) == ids(prompt), "what is committed waits for what is not"

    await transaction.commit()
    await sequence_all(store)

    rest = await store.read_all(after=len(page))
    assert ids(rest) == [late.id], "a reader that goes on from where it was has lost an event"
    assert [event.global_position for event in page + rest] == [1, 2, 3, 4, 5, 6]


async def test_an_append_that_is_rolled_back_leaves_no_hole(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("s", 0, new_events(3))
    await store.append("other", 0, new_events(1))
    await transaction.rollback()
    await store.append("s", 0, new_events(1))
    await sequence_all(store)

    assert [(event.stream, event.global_position) for event in await store.read_all()] == [("other", 1), ("s", 2)]


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_an_unrelated_open_transaction_stalls_nothing(
    store: PostgresEventStore, session: asyncpg.Connection, isolation: str
) -> None:
    await session.execute("CREATE TABLE unrelated (number int)")
    async with session.transaction(isolation=isolation):
        await session.execute("INSERT INTO unrelated VALUES (1)")
        await session.fetch("SELECT count(*) FROM events, unrelated")

        async with asyncio.timeout(_AT_ONCE):
            await store.append("s", 0, new_events(2))
            await sequence_all(store)
            assert len(await store.read_all()) == 2


async def test_appenders_of_other_streams_do_not_wait_for_a_slow_one(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    async with session.transaction():
        await PostgresEventStore(session).append("slow", 0, new_events(1))

        async with asyncio.timeout(_AT_ONCE):
            await asyncio.gather(*(store.append(f"s-{number}", 0, new_events(1)) for number in range(20)))


@pytest.mark.parametrize("begun", [0, 2], ids=["a new stream", "a stream that is there"])
async def test_who_appends_behind_a_slow_one_loses_if_that_commits(
    store: PostgresEventStore, session: asyncpg.Connection, begun: int
) -> None:
    if begun:
        await store.append("s", 0, new_events(begun))
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("s", begun, new_events(1))
    behind = asyncio.create_task(store.append("s", begun, new_events(1)))
    await eventually(lambda: someone_waits(session))

    await transaction.commit()

    with pytest.raises(ConcurrencyConflictError) as refusal:
        await behind
    assert refusal.value.actual == begun + 1


async def test_who_appends_behind_a_slow_one_wins_if_that_is_rolled_back(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("s", 0, new_events(1))
    behind = asyncio.create_task(store.append("s", 0, new_events(1)))
    await eventually(lambda: someone_waits(session))

    await transaction.rollback()

    assert await behind == 1
