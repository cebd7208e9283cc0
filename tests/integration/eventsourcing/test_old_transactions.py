"""Transactions that stay open neither stall the sequencer nor slow it down, and no append of theirs is passed over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from shared.eventsourcing import sequencer
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.sequencer import PostgresSequencer
from tests.support.events import ids, new_event, new_events, sequence_all

_SEQUENCE = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT sequence_pending({}, 1000)"


@pytest.fixture
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "_LOOK_EVERY", 100)


@pytest.fixture
async def other_session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def idle_in_transaction(session: asyncpg.Connection, isolation: str) -> AsyncIterator[None]:
    """Somebody else's work, long unfinished: it has read and written."""
    await session.execute("CREATE TABLE IF NOT EXISTS unrelated (number int)")
    async with session.transaction(isolation=isolation):
        await session.execute("INSERT INTO unrelated VALUES (1)")
        await session.fetch("SELECT count(*) FROM events, pending_events, unrelated")
        yield


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read"])
async def test_the_sequencer_does_not_pass_again_over_what_it_took_however_old_a_transaction_is(
    store: PostgresEventStore,
    session: asyncpg.Connection,
    other_session: asyncpg.Connection,
    isolation: str,
) -> None:
    """Seen to fail when the sequencer looks from number 0 or waits for any old transaction, and without its index."""
    async with idle_in_transaction(session, isolation), store.lead() as leader:
        await _go_on(store, leader, 40)

        assert leader._settled.number >= 3900
        assert await _pages(other_session, leader._settled.number) <= 5
        if isolation == "repeatable_read":
            assert await _pages(other_session, 0) > 50, "there is nothing here that could slow it down"


@pytest.mark.usefixtures("look_often")
async def test_an_append_that_is_under_way_is_never_passed_over(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    """Seen to fail when a look takes the last number that was drawn, whoever may still commit a lower one."""
    late = new_event()
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("slow", 0, [late])
    async with store.lead() as leader:
        await _go_on(store, leader, 20)
        assert leader._settled.number == 0
        assert await store.head() == 2000, "what is committed waits for what is not"

        await transaction.commit()
        await leader.sequence()

        assert [event.global_position for event in await store.read("slow")] == [2001]
        await _go_on(store, leader, 5)
        assert leader._settled.number > 2000, "once it is through, the numbers are settled"


@pytest.mark.usefixtures("look_often")
async def test_appends_under_way_one_after_the_other_are_all_sequenced(
    store: PostgresEventStore, session: asyncpg.Connection, other_session: asyncpg.Connection
) -> None:
    """There is always somebody under way, so the numbers are never all settled; those that can be are."""
    late: list[NewEvent] = []
    sessions = [session, other_session]
    async with store.lead() as leader:
        open_transactions = []
        for number in range(12):
            transaction = sessions[number % 2].transaction()
            await transaction.start()
            late.append(new_event())
            await PostgresEventStore(sessions[number % 2]).append(f"slow-{number}", 0, [late[-1]])
            open_transactions.append(transaction)
            await _go_on(store, leader, 3)
            if number:
                await open_transactions[number - 1].commit()
        await open_transactions[-1].commit()
        await leader.sequence()

        assert leader._settled.number > 0
    log = await store.read_all(limit=10_000)
    assert len(log) == len(set(ids(log))) == 12 * 300 + 12
    assert set(ids(late)) <= set(ids(log))


@pytest.mark.usefixtures("look_often")
async def test_a_new_leader_finds_what_the_last_one_left(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("slow", 0, new_events(1))
    async with store.lead() as leader:
        await _go_on(store, leader, 4)
    await transaction.commit()

    assert await sequence_all(store) == 1


async def _go_on(store: PostgresEventStore, leader: PostgresSequencer, rounds: int) -> None:
    """Append and sequence a hundred events a round, each with a look and a sweep."""
    for _ in range(rounds):
        await store.append(f"prompt-{uuid4()}", 0, new_events(100))
        while await leader.sequence():
            pass


async def _pages(connection: asyncpg.Connection, settled: int) -> int:
    """How many pages it takes to find that nothing is pending."""
    await connection.execute(f"SELECT sequence_pending({settled}, 1000)")  # the first time, plans are made
    [report] = json.loads(await connection.fetchval(_SEQUENCE.format(settled)))
    plan = report["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
