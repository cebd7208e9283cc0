"""Groups of several processes on one database: nobody waits in a circle, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random

from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events, open_log, sequence_all

_ROUNDS = 20
_STREAMS_A_ROUND = 50


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


async def _append_in_any_order(store: PostgresEventStore, streams: list[str], order: random.Random) -> int:
    """Begin all the streams at once, in any order; return how many others had not begun yet."""
    asked = order.sample(streams, len(streams))
    results = await asyncio.gather(
        *(store.append(stream, 0, new_events(1)) for stream in asked), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(result, ConcurrencyConflictError) for result in refused), refused
    return len(results) - len(refused)
