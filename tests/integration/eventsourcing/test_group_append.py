"""Groups of several processes on one database: nobody waits in a circle or for long, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest

from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events, open_log, sequence_all
from tests.support.eventually import eventually
from tests.support.postgres import someone_waits

_ROUNDS = 20
_STREAMS_A_ROUND = 50
#: Long for anything here, short for a person who waits.
_AT_ONCE = 5


async def test_two_processes_that_append_to_the_same_streams_conflict_but_never_block_each_other(
    database_url: str,
) -> None:
    async with open_log(database_url) as one, open_log(database_url) as other:
        stores, order = (PostgresEventStore(one), PostgresEventStore(other)), random.Random(0)
        for number in range(_ROUNDS):
            streams = [f"{number}-{stream}" for stream in range(_STREAMS_A_ROUND)]
            accepted = await asyncio.gather(*(_append_in_any_order(store, streams, order) for store in stores))
            assert sum(accepted) == len(streams)

        assert await sequence_all(stores[0]) == _ROUNDS * _STREAMS_A_ROUND
        log = await stores[0].read_all(limit=2 * _ROUNDS * _STREAMS_A_ROUND)
    assert len({event.stream for event in log}) == len(log) == _ROUNDS * _STREAMS_A_ROUND


async def test_who_appends_at_once_shares_a_transaction(store: PostgresEventStore, session: asyncpg.Connection) -> None:
    """Seen to fail with a largest group of one."""
    await asyncio.gather(*(store.append(f"s-{number}", 0, new_events(1)) for number in range(50)))

    assert await session.fetchval("SELECT count(DISTINCT xmin::text) FROM pending_events") <= 2


async def test_a_group_that_another_process_holds_up_is_overtaken(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    """Seen to fail when a group waits for the one before, however long."""
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("slow", 0, new_events(1))
    behind = asyncio.create_task(store.append("slow", 0, new_events(1)))
    await eventually(lambda: someone_waits(session))

    async with asyncio.timeout(_AT_ONCE):
        await asyncio.gather(*(store.append(f"s-{number}", 0, new_events(1)) for number in range(20)))
    assert not behind.done()

    await transaction.commit()
    with pytest.raises(ConcurrencyConflictError):
        await behind


async def test_who_gives_up_behind_another_process_leaves_its_group_alone(
    store: PostgresEventStore, session: asyncpg.Connection
) -> None:
    transaction = session.transaction()
    await transaction.start()
    await PostgresEventStore(session).append("slow", 0, new_events(1))
    impatient, patient = (asyncio.create_task(store.append(stream, 0, new_events(1))) for stream in ("slow", "with it"))
    await eventually(lambda: someone_waits(session))

    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    await transaction.rollback()

    assert await patient == 1
    assert len(await store.read("slow")) == 1, "it was on its way"


async def _append_in_any_order(store: PostgresEventStore, streams: list[str], order: random.Random) -> int:
    """Begin all the streams at once, in any order; return how many others had not begun yet."""
    asked = order.sample(streams, len(streams))
    results = await asyncio.gather(
        *(store.append(stream, 0, new_events(1)) for stream in asked), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(result, ConcurrencyConflictError) for result in refused), refused
    return len(results) - len(refused)
