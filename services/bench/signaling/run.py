"""All measurements of signaling, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version

from services.bench.conditions import conditions
from services.bench.figures import Figure
from services.bench.ground import open_ground
from services.bench.open_files import allow_connections
from services.bench.presenting import Result, Say
from services.bench.signaling.holding import measure_holding
from services.bench.signaling.scale import Bench, Scale
from services.bench.signaling.starting import measure_starting
from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings

MEASUREMENTS: Mapping[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "starting": measure_starting,
    "holding": measure_holding,
}


async def measure_signaling(settings: Settings, scale: Scale, names: Sequence[str], seed: int, say: Say) -> Result:
    """Return the conditions and the figures. Raises StartupError, EventSourcingError and BusError."""
    if settings.amqp_url is None:
        raise SettingError("ONRECORD_AMQP_URL", "is not set: services that are processes of their own need a broker")
    files = allow_connections(scale.crowd)
    say("Preparing …")
    async with open_ground(settings) as ground:
        told = {
            **await conditions(ground, seed),
            **{name: version(name) for name in ("uvicorn", "websockets")},
            "open files allowed": files,
        }
        bench = Bench(ground, scale, seed, say)
        return told, [figure for name in names for figure in await MEASUREMENTS[name](bench)]
