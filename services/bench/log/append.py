"""Appending events one by one and in batches, beside writing the same bytes into a bare table."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from services.bench.figures import Baseline, Figure, Goal, Percentiles
from services.bench.ground import Log
from services.bench.load import Work, worked
from services.bench.log.scale import Bench
from services.bench.log.writers import bare_table, bare_writer, log_writer
from services.bench.sequencing import sequencing

_GOALS = {64: Goal("ratio", "at least", 0.7)}


async def measure_append(bench: Bench) -> list[Figure]:
    """Measure appends of one event by several clients at the same time."""
    figures: list[Figure] = []
    async with bench.ground.log() as log, bare_table(log.url, max(bench.scale.clients)) as bare:
        for clients in bench.scale.clients:
            rounds = [await _round(bench, log, bare[:clients], 1, unordered=True) for _ in range(bench.scale.rounds)]
            name = "1 client" if clients == 1 else f"{clients} clients"
            inserts, ordered, unordered = ([each[n] for each in rounds] for n in range(3))
            figures.append(_figure("append", f"{name}, total order", ordered, inserts, "INSERT", _GOALS.get(clients)))
            figures.append(_figure("append", f"{name}, no sequencer", unordered, inserts, "INSERT"))
    return figures


async def measure_batches(bench: Bench) -> list[Figure]:
    """Measure appends of many events by one client."""
    figures: list[Figure] = []
    async with bench.ground.log() as log, bare_table(log.url, 1) as bare:
        for batch in bench.scale.batches:
            rounds = [await _round(bench, log, bare, batch) for _ in range(bench.scale.rounds)]
            copies, ordered = ([each[n] for each in rounds] for n in range(2))
            figures.append(_figure("batches", f"{batch} at a time, total order", ordered, copies, "COPY"))
    return figures


async def _round(
    bench: Bench, log: Log, bare: Sequence[asyncpg.Connection], batch: int, *, unordered: bool = False
) -> list[Work]:
    """Let as many clients as there are bare connections write to the bare table and to the log, one after the other."""
    bench.say(f"{'append' if batch == 1 else 'batches'}: {len(bare)} at the same time, {batch} at a time")
    scale, supply = bench.scale, bench.supply
    into_bare = [bare_writer(connection, supply, batch) for connection in bare]
    into_log = [log_writer(log.store, supply, batch) for _ in bare]
    works = [await worked(into_bare, scale.seconds, bench.meter)]
    async with sequencing(log.store) as sequencer:
        works.append(await worked(into_log, scale.seconds, bench.meter, sequencer.until))
    if unordered:
        works.append(await worked(into_log, scale.seconds, bench.meter))
    return works


def _figure(
    measurement: str, what: str, ours: Sequence[Work], bare: Sequence[Work], statement: str, goal: Goal | None = None
) -> Figure:
    return Figure(
        measurement,
        what,
        "events/s",
        [each.rate for each in ours],
        Baseline(f"bare {statement}", [each.rate for each in bare]),
        goal,
        {"append": _percentiles(ours), statement: _percentiles(bare)},
        {**_cpu("append", ours), **_cpu(statement, bare)},
    )


def _percentiles(works: Sequence[Work]) -> Percentiles:
    return Percentiles.of([seconds for work in works for seconds in work.times])


def _cpu(name: str, works: Sequence[Work]) -> dict[str, float]:
    """Return the CPU time of an event, in µs, where it is known."""
    events = sum(work.events for work in works)
    used = {
        "client": [work.cpu.client for work in works],
        "Postgres": [work.cpu.server for work in works if work.cpu.server is not None],
    }
    return {f"{name}, µs of CPU per event, {who}": 1e6 * sum(each) / events for who, each in used.items() if each}
