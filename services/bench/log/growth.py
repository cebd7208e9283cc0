"""Whether an append takes longer when the log has grown."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack

from services.bench.figures import Baseline, Figure, Percentiles
from services.bench.ground import Log
from services.bench.load import worked
from services.bench.log.filling import fill
from services.bench.log.scale import Bench
from services.bench.log.writers import log_writer
from services.bench.sequencing import sequencing

_CLIENTS = 1, 8

#: By how many events are stored and how many clients append: the times of each round.
_Times = dict[tuple[int, int], list[list[float]]]


async def measure_growth(bench: Bench) -> list[Figure]:
    """Time appends to logs of several sizes in turn."""
    times: _Times = defaultdict(list)
    async with AsyncExitStack() as stack:
        logs = {size: await _filled(bench, stack, size) for size in bench.scale.sizes}
        for _ in range(bench.scale.rounds):
            for clients in _CLIENTS:
                for size, log in logs.items():
                    times[size, clients].append(await _timed(bench, log, size, clients))
    return [_figure(bench, times, size, clients) for clients in _CLIENTS for size in bench.scale.sizes]


async def _filled(bench: Bench, stack: AsyncExitStack, size: int) -> Log:
    bench.say(f"growth: putting {size:,} events into a log")
    log = await stack.enter_async_context(bench.ground.log())
    await fill(log, size)
    return log


async def _timed(bench: Bench, log: Log, size: int, clients: int) -> list[float]:
    bench.say(f"growth: appending where {size:,} are stored, {clients} at once")
    writers = [log_writer(log.store, bench.supply, 1) for _ in range(clients)]
    async with sequencing(log.store) as sequencer:
        return list((await worked(writers, bench.scale.seconds, bench.meter, sequencer.until)).times)


def _figure(bench: Bench, times: _Times, size: int, clients: int) -> Figure:
    smallest = bench.scale.sizes[0]
    what = f"{size:,} stored, {clients} client{'s' if clients > 1 else ''}, p50"
    baseline = Baseline(f"{smallest:,} stored", _medians(times[smallest, clients])) if size != smallest else None
    each = [one for many in times[size, clients] for one in many]
    return Figure(
        "growth", what, "ms", _medians(times[size, clients]), baseline, times={"append": Percentiles.of(each)}
    )


def _medians(rounds: list[list[float]]) -> list[float]:
    return [Percentiles.of(each).p50 for each in rounds]
