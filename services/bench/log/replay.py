"""Reading a log of meetings from its beginning: its bytes, and its states."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import asyncpg

from services.audit.bootstrap import DECIDERS
from services.audit.reading import pages
from services.audit.replay import Request, replay
from services.bench.figures import Baseline, Figure, Goal
from services.bench.ground import Log
from services.bench.log.filling import record
from services.bench.log.scale import Bench
from services.bench.meetings import meetings

_PAGE = 1000
_PAYLOADS = "SELECT payload FROM events ORDER BY global_position"


@dataclass(frozen=True, slots=True)
class _Pass:
    """One reading of the whole log."""

    rate: float
    #: Per second of CPU of this process, which is per core.
    rate_per_core: float


async def measure_replay(bench: Bench) -> list[Figure]:
    """Measure reading through the log as `onrecord replay` does it, and less, beside a bare cursor."""
    count = bench.scale.replayed
    async with bench.ground.log() as log:
        bench.say(f"replay: recording meetings of {count:,} events")
        await record(log, islice(meetings(bench.seed), count))
        rounds = [await _round(bench, log, count) for _ in range(bench.scale.rounds)]
    bare, raw, typed = ([each[n] for each in rounds] for n in range(3))
    return [
        *_figures("raw", raw, bare, Goal("value", "at least", 250_000), None),
        *_figures("typed and folded", typed, bare, None, Goal("value", "at least", 100_000)),
    ]


async def _round(bench: Bench, log: Log, count: int) -> tuple[_Pass, _Pass, _Pass]:
    bench.say("replay: cursor, raw, typed and folded")

    async def raw() -> int:
        return sum([len(page) async for page in pages(log.store, count)])

    async def typed() -> int:
        return (await replay(log.store, DECIDERS, Request())).events

    return await _passed(lambda: _read_bare(log.url), count), await _passed(raw, count), await _passed(typed, count)


async def _passed(read: Callable[[], Awaitable[int]], count: int) -> _Pass:
    begin, cpu = time.perf_counter(), time.process_time()
    if (events := await read()) != count:
        raise RuntimeError(f"{events} of {count} events were read: the figure would be wrong")
    return _Pass(count / (time.perf_counter() - begin), count / (time.process_time() - cpu))


async def _read_bare(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(readonly=True):
            cursor, count = await connection.cursor(_PAYLOADS), 0
            while page := await cursor.fetch(_PAGE):
                count += len(page)
        return count
    finally:
        await connection.close()


def _figures(
    what: str, ours: Iterable[_Pass], bare: Iterable[_Pass], goal: Goal | None, goal_per_core: Goal | None
) -> list[Figure]:
    ours, bare = list(ours), list(bare)
    by_time = Baseline("bare cursor", [each.rate for each in bare])
    by_core = Baseline("bare cursor", [each.rate_per_core for each in bare])
    return [
        Figure("replay", what, "events/s", [each.rate for each in ours], by_time, goal),
        Figure(
            "replay", f"{what}, per core", "events/s", [each.rate_per_core for each in ours], by_core, goal_per_core
        ),
    ]
