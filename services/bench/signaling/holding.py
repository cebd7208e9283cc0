"""Many rooms held open on one gateway: what people wait for, and what they cost, beside a bare server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from services.bench.figures import Baseline, Figure, Goal, Percentiles
from services.bench.open_files import allow_connections
from services.bench.signaling.bare_server import running_bare
from services.bench.signaling.member import Notes
from services.bench.signaling.scale import Bench, Scale
from services.bench.signaling.stay import Stay, stay
from services.bench.system import running_system

_BARE = "bare server"

#: What people wait for, in seconds.
_WAITS: Mapping[str, Callable[[Notes], Sequence[float]]] = {
    "join to join_success, all at once": lambda notes: notes.joins,
    "consent to update at each of the others": lambda notes: notes.updates,
    "echo": lambda notes: notes.pings,
}
#: How late the server's event loop is, in 99 of 100 looks.
_LAGS: Mapping[str, Callable[[Stay], float]] = {
    "event loop late while all come in, p99": lambda one: one.joining_lag_ms,
    "event loop late while they stay, p99": lambda one: one.staying_lag_ms,
}
_LAG_GOAL = Goal("value", "at most", 50)
#: What it costs, by name and unit.
_COSTS: Mapping[tuple[str, str], Callable[[Stay], float]] = {
    ("until all are connected", "s"): lambda one: one.crowd.connecting_seconds,
    ("then until all are in", "s"): lambda one: one.crowd.joining_seconds,
    ("until the server is done with all that left", "s"): lambda one: one.leaving_seconds,
    ("CPU for each that comes in", "ms"): lambda one: one.joining_cpu_ms,
    ("CPU while they stay", "cores"): lambda one: one.server_share,
    ("memory for each connection", "KiB"): lambda one: one.kib_each(one.empty, one.held),
    ("memory kept for each that went", "KiB"): lambda one: one.kib_each(one.empty, one.left),
    ("memory kept for each of a second crowd", "KiB"): lambda one: one.kib_each(one.left, one.left_again),
}


async def measure_holding(bench: Bench) -> list[Figure]:
    """Hold rooms open on a gateway and on a bare server, in turn."""
    allow_connections(bench.scale.crowd)
    ours: list[Stay] = []
    bare: list[Stay] = []
    for _ in range(bench.scale.rounds):
        async with running_system(bench.ground, 1) as system:
            ours.append(await stay(bench, system.gateways[0], "one gateway"))
        async with running_bare() as server:
            bare.append(await stay(bench, server, _BARE))
    measurement = _measurement(bench.scale)
    return [
        *(_wait(measurement, what, times, ours, bare) for what, times in _WAITS.items()),
        *(_cost(measurement, what, "ms", number, ours, bare, _LAG_GOAL) for what, number in _LAGS.items()),
        *(_cost(measurement, what, unit, number, ours, bare) for (what, unit), number in _COSTS.items()),
        _connected(measurement, bench.scale, ours),
        _missing(measurement, ours),
    ]


def _measurement(scale: Scale) -> str:
    return f"{scale.crowd:,} in {scale.rooms} rooms"


def _wait(
    measurement: str,
    what: str,
    times: Callable[[Notes], Sequence[float]],
    ours: Sequence[Stay],
    bare: Sequence[Stay],
) -> Figure:
    def p99s(stays: Sequence[Stay]) -> list[float]:
        return [Percentiles.of(times(one.crowd.notes) or [float("inf")]).p99 for one in stays]

    all_times = {
        name: [each for one in stays for each in times(one.crowd.notes)]
        for name, stays in (("gateway", ours), (_BARE, bare))
    }
    return Figure(
        measurement,
        f"{what}, p99",
        "ms",
        p99s(ours),
        Baseline(_BARE, p99s(bare)),
        times={name: Percentiles.of(each) for name, each in all_times.items() if each},
    )


def _cost(
    measurement: str,
    what: str,
    unit: str,
    number: Callable[[Stay], float],
    ours: Sequence[Stay],
    bare: Sequence[Stay],
    goal: Goal | None = None,
) -> Figure:
    baseline = Baseline(_BARE, [number(one) for one in bare])
    return Figure(measurement, what, unit, [number(one) for one in ours], baseline, goal)


def _connected(measurement: str, scale: Scale, ours: Sequence[Stay]) -> Figure:
    goal = Goal("value", "at least", scale.crowd)
    refused = sum((one.crowd.refused for one in ours), Counter[str]())
    details = {
        "open files, empty": max(one.empty.files for one in ours),
        "open files, full": max(one.held.files for one in ours),
        "open files, when all had gone": max(one.left.files for one in ours),
        "cores that the clients' process used": max(one.clients_share for one in ours),
        **{f"tried again: {reason}": times for reason, times in refused.items()},
    }
    return Figure(
        measurement, "connected at the end", "clients", [one.connected for one in ours], None, goal, {}, details
    )


def _missing(measurement: str, ours: Sequence[Stay]) -> Figure:
    """Tell what did not come: of `joined` and of each other's words in `update`, and answers to pings."""
    goal = Goal("value", "at most", 0)
    details = {
        "updates heard": sum(len(one.crowd.notes.updates) for one in ours),
        "heard more than once": sum(one.crowd.repeated() for one in ours),
    }
    return Figure(
        measurement, "messages that did not come", "messages", [one.missing for one in ours], None, goal, {}, details
    )
