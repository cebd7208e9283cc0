"""From `start` to `started` at every client of a room, while they sit on several gateways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.bench.figures import Figure, Goal, Percentiles
from services.bench.files_finished import files_finished
from services.bench.signaling.room import Room, Told, open_room
from services.bench.signaling.scale import Bench, Scale
from services.bench.signaling.stages import published, stages, written
from services.bench.system import running_system

#: Not counted: the first ones have every service prepare its statements.
_WARMING = 2

_P50_GOAL = Goal("value", "at most", 100)
_P99_GOAL = Goal("value", "at most", 300)


@dataclass(frozen=True, slots=True)
class Series:
    """Recordings that were started and stopped one after the other."""

    what: str
    starts: Sequence[Told]
    stops: Sequence[Told]


async def measure_starting(bench: Bench) -> list[Figure]:
    """Start and stop a recording again and again: at rest, and while the files of the one before are finished."""
    scale = bench.scale
    async with running_system(bench.ground, scale.gateways) as system, published(system) as heard:
        bench.say(f"starting: {scale.listeners} clients come to {scale.gateways} gateways and consent")
        async with open_room(system, scale.listeners) as room:
            await _recorded(room, _WARMING, lambda: files_finished(system.log))
            bench.say(f"starting: {scale.starts} recordings, each when the files of the one before are finished")
            at_rest = Series("at rest", *await _recorded(room, scale.starts, lambda: files_finished(system.log)))
            bench.say(f"starting: {scale.starts} recordings, each as soon as the one before has stopped")
            at_once = Series("files being finished", *await _recorded(room, scale.starts, _at_once))
        written_at = await written(system.log)
    return [
        *_start_figures(scale, at_rest, stages(at_rest.starts, heard, written_at), _P50_GOAL, _P99_GOAL),
        *_start_figures(scale, at_once, stages(at_once.starts, heard, written_at)),
        *(_stop_figure(scale, series) for series in (at_rest, at_once)),
    ]


async def _recorded(
    room: Room, count: int, between: Callable[[], Awaitable[None]]
) -> tuple[Sequence[Told], Sequence[Told]]:
    """Start and stop so often; return both."""
    starts: list[Told] = []
    stops: list[Told] = []
    for _ in range(count):
        starts.append(await room.start())
        stops.append(await room.stop())
        await between()
    return starts, stops


async def _at_once() -> None:
    """Wait for nothing."""


def _start_figures(
    scale: Scale,
    series: Series,
    parts: dict[str, list[float]],
    p50_goal: Goal | None = None,
    p99_goal: Goal | None = None,
) -> list[Figure]:
    each = Percentiles.of([time for start in series.starts for time in start.times])
    slowest = Percentiles.of([max(start.times) for start in series.starts])
    of_parts = {name: Percentiles.of(seconds) for name, seconds in parts.items()}
    times = {"each client": each, "slowest client": slowest, **of_parts}
    what = _what(scale, series)
    return [
        Figure("start to started", f"{what}, p50", "ms", [each.p50], goal=p50_goal),
        Figure("start to started", f"{what}, p99", "ms", [each.p99], goal=p99_goal, times=times),
    ]


def _stop_figure(scale: Scale, series: Series) -> Figure:
    times = Percentiles.of([time for stop in series.stops for time in stop.times])
    return Figure("stop to stopped", f"{_what(scale, series)}, p99", "ms", [times.p99], times={"each client": times})


def _what(scale: Scale, series: Series) -> str:
    return f"{scale.listeners} clients, {scale.gateways} gateways, {series.what}"
