"""All measurements of the log, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.bench.conditions import conditions
from services.bench.cpu import CpuMeter, find_postmaster
from services.bench.figures import Figure
from services.bench.ground import open_ground
from services.bench.log.append import measure_append, measure_batches
from services.bench.log.growth import measure_growth
from services.bench.log.latency import measure_latency
from services.bench.log.replay import measure_replay
from services.bench.log.scale import Bench, Scale
from services.bench.presenting import Result, Say
from services.bench.supply import Supply
from shared.runtime.settings import Settings

MEASUREMENTS: Mapping[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "append": measure_append,
    "batches": measure_batches,
    "replay": measure_replay,
    "latency": measure_latency,
    "growth": measure_growth,
}


async def measure_log(settings: Settings, scale: Scale, names: Sequence[str], seed: int, say: Say) -> Result:
    """Return the conditions and the figures. Raises StartupError, EventSourcingError and BusError."""
    say("Preparing …")
    async with open_ground(settings) as ground:
        supply = Supply(seed)
        told = {
            **await conditions(ground, seed),
            "logs that have grown": "filled by INSERT … SELECT, not by appends",
            "payload": f"{supply.mean_bytes} bytes on average",
        }
        async with ground.session() as connection:
            meter = CpuMeter(await find_postmaster(connection))
        bench = Bench(ground, scale, seed, supply, meter, say)
        return told, [figure for name in names for figure in await MEASUREMENTS[name](bench)]
