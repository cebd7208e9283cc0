"""Whoever asks during a swap gets the old projection or the new one: nothing is lost, and nobody gives up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from shared.concurrency.supervision import supervised
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import (
    Seen,
    administrating,
    keeping,
    position_of,
    say,
    seen,
    unwatched,
    words,
)
from tests.support.events import open_log
from tests.support.eventually import eventually
from tests.support.postgres import someone_waits


class _BusyLog(PostgresEventStore):
    """A log in which something more happens, and is in the live projection if it can be, whenever it was read."""

    def __init__(self, pool: asyncpg.Pool, administrator: asyncpg.Connection) -> None:
        super().__init__(pool)
        self._database = pool
        self._administrator = administrator
        self.highest = 0

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        page = await super().read_all(after, limit)
        head = await self.head()
        await say(self, *words(1, first=head))
        await eventually(lambda: self._is_live_at_or_waits(head + 1))
        return page

    async def _is_live_at_or_waits(self, position: int) -> bool:
        self.highest = await position_of(self._database, Seen().projection())
        return self.highest >= position or await someone_waits(self._administrator)


async def test_what_the_live_one_learns_until_the_swap_is_in_the_new_one_as_well(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail without the live one held during the swap: its position fell behind what had been answered from."""
    await say(store, *words(3))
    async with keeping(Seen().projection(), store, database), administrating(database_url) as administrator:
        await eventually(lambda: _seen_is(database, [1, 2, 3]))
        busy = _BusyLog(database, administrator)
        await rebuild(Seen().projection(), busy, database, unwatched)
        assert await position_of(database, Seen().projection()) >= busy.highest > 3


async def test_a_rebuild_while_the_projection_is_kept_loses_and_doubles_nothing(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async with keeping(Seen().projection(), store, database), _saying(store) as said:
        for _ in range(8):
            await rebuild(Seen().projection(), store, database, unwatched)
    async with keeping(Seen().projection(), store, database):
        await eventually(lambda: _seen_is(database, list(range(1, len(said) + 1))))


@asynccontextmanager
async def _saying(store: PostgresEventStore) -> AsyncIterator[list[int]]:
    said: list[int] = []

    async def go_on() -> None:
        while True:
            await say(store, *words(1, first=len(said)))
            said.append(len(said))

    async with supervised(go_on()):
        yield said


async def test_whoever_reads_during_swaps_sees_all_rows_in_both_tables_always(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with the tables dropped in one transaction and the new ones moved in another."""
    await say(store, *words(20))
    await rebuild(Seen().projection(), store, database, unwatched)
    readings = 0

    def reached(count: int) -> bool:
        return readings >= count

    async def read() -> None:
        nonlocal readings
        async with open_log(database_url) as pool:
            while True:
                assert await seen(pool) == list(range(1, 21))
                readings += 1

    async with supervised(*(read() for _ in range(4))):
        for swaps in range(1, 6):
            await rebuild(Seen().projection(), store, database, unwatched)
            await eventually(partial(reached, swaps * 10))


async def test_a_long_reader_delays_the_swap_and_nobody_else(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail without the lock's time limit: the second reader waited for the first one's end."""
    await say(store, *words(3))
    await rebuild(Seen().projection(), store, database, unwatched)
    reader = await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.fetch("SELECT FROM seen.seen")
        swapping = asyncio.create_task(rebuild(Seen().projection(), store, database, unwatched))
        await eventually(lambda: someone_waits(reader))
        async with asyncio.timeout(20):
            for _ in range(5):
                assert await seen(database) == [1, 2, 3]
        assert not swapping.done()
    await swapping
    await reader.close()


async def test_a_reader_who_joins_both_tables_is_never_the_one_who_gives_up(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(3))
    await rebuild(Seen().projection(), store, database, unwatched)
    reader = await asyncpg.connect(database_url)
    for first, then in (("seen", "again"), ("again", "seen")):
        async with reader.transaction():
            await reader.fetch(f"SELECT FROM seen.{first}")
            swapping = asyncio.create_task(rebuild(Seen().projection(), store, database, unwatched))
            await eventually(lambda: someone_waits(reader))
            assert await reader.fetchval(f"SELECT count(*) FROM seen.{then}") == 3
        await swapping
    await reader.close()


async def _seen_is(pool: asyncpg.Pool, positions: list[int]) -> bool:
    return await seen(pool) == positions
