"""An append costs one journey to the database, however many events it takes along."""

from __future__ import annotations

import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events, open_log
from tests.support.proxy import proxied


@pytest.mark.parametrize("count", [1, 50])
async def test_an_append_is_one_round_trip(database_url: str, count: int) -> None:
    async with proxied(database_url) as proxy, open_log(proxy.url) as pool:
        store = PostgresEventStore(pool)
        await store.append("s", 0, new_events(1))  # the first one also prepares the statement
        before = proxy.requests

        await store.append("s", 1, new_events(count))

        assert proxy.requests - before == 1
