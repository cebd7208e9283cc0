"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from services.bench.ground import Ground
from services.bench.presenting import Say


@dataclass(frozen=True, slots=True)
class Scale:
    #: Participants of the room that is recorded, and on how many gateways they sit.
    listeners: int
    gateways: int
    #: How often a recording is started.
    starts: int
    #: How many rooms are held open on one gateway, with how many participants each, for how many seconds.
    rooms: int
    people: int
    hold_seconds: float
    #: How often rooms are held open, in turn with those of the bare server.
    rounds: int

    @property
    def crowd(self) -> int:
        return self.rooms * self.people


FULL = Scale(listeners=20, gateways=2, starts=100, rooms=50, people=20, hold_seconds=60, rounds=1)
QUICK = Scale(listeners=20, gateways=2, starts=20, rooms=10, people=20, hold_seconds=10, rounds=1)


@dataclass(frozen=True, slots=True)
class Bench:
    """What each measurement needs."""

    ground: Ground
    scale: Scale
    seed: int
    say: Say

    def chance(self) -> Random:
        """Return chance that is the same in every run with this seed."""
        return Random(self.seed)  # noqa: S311  it is for the same load each time, not for secrets
