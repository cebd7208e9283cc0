"""The means to keep projections, and to look at them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from shared.concurrency.supervision import supervised
from shared.contracts.consent import ConsentEvent, ConsentGiven, ConsentWithdrawn
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.projection import Projection, Told
from shared.eventsourcing.projection_builds import Build, find_build
from shared.eventsourcing.projection_runner import Companion, ProjectionRunner
from shared.eventsourcing.store import EventStore
from tests.support.events import append, sequence_all
from tests.support.eventually import eventually
from tests.support.moments import at


@asynccontextmanager
async def keeping(
    projection: Projection,
    store: EventStore,
    pool: asyncpg.Pool,
    companion: Companion | None = None,
    *,
    until_live: bool = True,
) -> AsyncIterator[ProjectionRunner]:
    """Run a projection, as a service does."""
    runner = ProjectionRunner(projection, store, pool, companion)
    async with supervised(runner.run()):
        if until_live:
            await eventually(lambda: _is_live(pool, projection))
        yield runner


async def _is_live(pool: asyncpg.Pool, projection: Projection) -> bool:
    live = await build_of(pool, projection)
    return live is not None and live.version == projection.version


async def build_of(pool: asyncpg.Pool, projection: Projection) -> Build | None:
    async with pool.acquire() as connection:
        return await find_build(connection, projection.name, "live")


async def position_of(pool: asyncpg.Pool, projection: Projection) -> int:
    build = await build_of(pool, projection)
    return build.position if build else 0


async def say(store: EventStore, *events: Event) -> None:
    """Append events, one by one, and give them their global positions."""
    for event in events:
        await append(store, event.stream, [encode(event, Context.begin("service:test"))])
    await sequence_all(store)


def words(count: int, first: int = 0) -> list[ConsentEvent]:
    """Say yes and no in turn, each a second after the other."""
    kinds = ConsentGiven, ConsentWithdrawn
    return [
        kinds[n % 2](at=at(n), room_id="r", session_id="s", participant_id="ann") for n in range(first, first + count)
    ]


@dataclass(slots=True)
class Seen:
    """A projection of two tables that have as many rows as there are words, and what can go wrong with it."""

    version: int = 1
    #: Run when a page was written and its transaction is still open, once each.
    faults: list[str | Exception] = field(default_factory=list)
    #: What `apply` waits for.
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    pages: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def projection(self) -> Projection:
        tables = "CREATE TABLE seen (position bigint PRIMARY KEY, id uuid); CREATE TABLE again (position bigint)"
        return Projection("seen", self.version, tables, (ConsentEvent,), self.apply)

    async def apply(self, connection: asyncpg.Connection, told: Sequence[Told]) -> None:
        await self.gate.wait()
        rows = [(stored.global_position, stored.id) for _, stored in told]
        await connection.executemany("INSERT INTO seen VALUES ($1, $2)", rows)
        await connection.executemany("INSERT INTO again VALUES ($1)", [row[:1] for row in rows])
        self.pages += 1
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            await connection.execute(fault)


async def seen(pool: asyncpg.Pool) -> list[int]:
    """The positions that are in the live tables, as long as both agree."""
    rows = await pool.fetch("SELECT position FROM seen.seen JOIN seen.again USING (position) ORDER BY 1")
    return [row["position"] for row in rows]


@asynccontextmanager
async def sequencing(store: EventStore) -> AsyncIterator[None]:
    """Give events their positions as they come, as the relay does."""

    async def sequence() -> None:
        while True:
            try:
                async with store.lead() as sequencer:
                    while True:
                        await sequencer.sequence()
                        await asyncio.sleep(0.005)  # between two looks
            except LogUnavailableError:
                await asyncio.sleep(0.005)

    async with supervised(sequence()):
        yield


@asynccontextmanager
async def administrating(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session that may do everything."""
    administrator = await asyncpg.connect(url)
    try:
        yield administrator
    finally:
        await administrator.close()


async def has_seen(pool: asyncpg.Pool, count: int) -> bool:
    """Tell whether there are so many, each once."""
    positions = await seen(pool)
    assert len(set(positions)) == len(positions)
    return len(positions) == count


def unwatched(position: int, head: int) -> None:
    """Progress that nobody watches."""
