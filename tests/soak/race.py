"""Everything by which event logs on Postgres skip events, at once: who reads by the log's positions misses none."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.soak.appending import Share
from tests.soak.ledger import Ledger, Reading, merged
from tests.support.events import open_log
from tests.support.partitions import make_partitions_small

_PAUSE_SECONDS = 0.005
_KILL = """SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'soak' ORDER BY pid OFFSET $1 LIMIT 1"""
_CLEAN = ["VACUUM pending_events", "VACUUM streams"]

Result = TypeVar("Result")
AppendShares = Callable[[Sequence[Share]], Awaitable[list[Ledger]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen. The seed decides what everybody does, not who is faster."""

    seed: int
    appends: int
    seconds: float
    processes: int = 2
    appenders: int = 30
    dawdlers: int = 3
    slowest: float = 0.1
    readers: int = 2
    kill_every: float = 0.1
    clean_every: float = 20
    partition: int = 1000
    #: How long readers may find nothing new before what they lack counts as skipped.
    patience: float = 10

    def shares(self, url: str) -> list[Share]:
        appends, seeds = self.appends // self.processes, range(self.seed * 1000, self.seed * 1000 + self.processes)
        return [Share(url, seed, appends, self.seconds, self.appenders, self.dawdlers, self.slowest) for seed in seeds]


@dataclass
class Race:
    """A race under way, and what came of it."""

    url: str
    plan: Plan
    ledger: Ledger = field(default_factory=Ledger)
    readings: list[Reading] = field(default_factory=list)
    killed: int = 0
    took: float = 0

    async def run(self, append_shares: AppendShares) -> None:
        """Run it until every reader has read everything, or nothing comes any more."""
        self.readings = [Reading() for _ in range(self.plan.readers)]
        began = time.monotonic()
        async with open_log(self.url) as pool, self._administrator() as administrator:
            await make_partitions_small(administrator, self.plan.partition)
            others = [asyncio.create_task(work) for work in (self._sequence(pool, 0), self._sequence(pool, 1))]
            others += [asyncio.create_task(self._read(pool, n, reading)) for n, reading in enumerate(self.readings)]
            disturbing = asyncio.create_task(self._disturb(administrator))
            try:
                self.ledger = merged(await _first(append_shares(self.plan.shares(self.url)), *others))
                await _ended(disturbing)
                await _first(self._all_read(), *others)
            finally:
                await _ended(disturbing, *others)
        self.took = time.monotonic() - began

    @property
    def faults(self) -> dict[str, int]:
        """What must be zero, of the worst reader."""
        each = [
            {
                "skipped": reading.skipped(self.ledger),
                "doubled": reading.doubled,
                "out of place": reading.out_of_place,
                "streams that differ": reading.wrong_streams(self.ledger),
            }
            for reading in self.readings
        ]
        return {name: max(found[name] for found in each) for name in each[0]}

    async def _sequence(self, pool: asyncpg.Pool, number: int) -> None:
        """Lead, or wait to: two of them take turns as they are killed."""
        chance = random.Random(f"{self.plan.seed}/sequencer/{number}")
        while True:
            try:
                async with PostgresEventStore(pool).lead() as sequencer:
                    while True:
                        if not await sequencer.sequence(chance.randint(1, 2000)):
                            await asyncio.sleep(_PAUSE_SECONDS)
            except LogUnavailableError:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, pool: asyncpg.Pool, number: int, reading: Reading) -> None:
        """Read page after page, each of another size, always on from where it was."""
        chance, store = random.Random(f"{self.plan.seed}/reader/{number}"), PostgresEventStore(pool)
        while True:
            try:
                page = await store.read_all(reading.position, chance.randint(1, 2000))
            except LogUnavailableError:
                page = []
            reading.take(page)
            await asyncio.sleep(0 if page else _PAUSE_SECONDS)

    async def _disturb(self, administrator: asyncpg.Connection) -> None:
        """End anybody's session, whatever it does, and clean tables now and then, as a server by itself does."""
        chance, cleaned = random.Random(f"{self.plan.seed}/killer"), time.monotonic()
        while True:
            await asyncio.sleep(self.plan.kill_every * 2 * chance.random())
            sessions = await administrator.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            self.killed += len(await administrator.fetch(_KILL, chance.randrange(sessions)))
            if time.monotonic() - cleaned > self.plan.clean_every:
                for statement in _CLEAN:
                    await administrator.execute(statement)
                cleaned = time.monotonic()

    async def _all_read(self) -> None:
        """Wait until all readers have read what was appended, or find nothing any more."""
        due, read, since = self.ledger.events, -1, time.monotonic()
        while (
            min(reading.position for reading in self.readings) < due and time.monotonic() - since < self.plan.patience
        ):
            if read < (read := sum(reading.position for reading in self.readings)):
                since = time.monotonic()
            await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _administrator(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.url, server_settings={"application_name": "soak"})
        try:
            yield connection
        finally:
            await connection.close()


async def _first(wanted: Awaitable[Result], *others: asyncio.Task[None]) -> Result:
    """Wait for what is wanted; whoever of the others, who never end, fails meanwhile, fails it all."""
    result = asyncio.ensure_future(wanted)
    try:
        done, _ = await asyncio.wait({result, *others}, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
        return result.result()
    finally:
        await _ended(result)


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
