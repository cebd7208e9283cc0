"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    #: Events that a target is told of, each second, for how many seconds.
    rate: int
    seconds: float
    #: Recordings that they are about, in turn: those of one are posted one after the other.
    recordings: int

    @property
    def count(self) -> int:
        return round(self.rate * self.seconds)


FULL = Scale(rate=200, seconds=30, recordings=100)
QUICK = Scale(rate=200, seconds=5, recordings=100)
