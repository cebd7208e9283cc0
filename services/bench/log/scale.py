"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from services.bench.cpu import CpuMeter
from services.bench.ground import Ground
from services.bench.presenting import Say
from services.bench.supply import Supply


@dataclass(frozen=True, slots=True)
class Scale:
    #: How often each is measured, in turn with what it is compared with.
    rounds: int
    #: How long a round appends, in seconds.
    seconds: float
    clients: tuple[int, ...]
    batches: tuple[int, ...]
    #: Events in the log that is replayed.
    replayed: int
    #: Events per second that are on their way from commit to handler, and for how many seconds of a round.
    rates: tuple[int, ...]
    rate_seconds: float
    #: Events that are in the log already when an append is timed. The first is what the others are compared with.
    sizes: tuple[int, ...]


FULL = Scale(
    rounds=3,
    seconds=3,
    clients=(1, 8, 64),
    batches=(100, 1000),
    replayed=200_000,
    rates=(100, 1000, 4000),
    rate_seconds=5,
    sizes=(10_000, 1_000_000, 10_000_000),
)
QUICK = Scale(
    rounds=2,
    seconds=1,
    clients=(1, 8, 64),
    batches=(100, 1000),
    replayed=100_000,
    rates=(100, 1000, 4000),
    rate_seconds=2,
    sizes=(10_000, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What each measurement needs."""

    ground: Ground
    scale: Scale
    seed: int
    supply: Supply
    meter: CpuMeter
    say: Say

    def chance(self) -> Random:
        """Return chance that is the same in every run with this seed."""
        return Random(self.seed)  # noqa: S311  it is for the same load each time, not for secrets
