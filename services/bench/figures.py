"""What is measured: a figure with its rounds, what it is compared with, and the goal it should reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure's median, or its ratio to the baseline, shall be."""

    of: Literal["value", "ratio"]
    bound: Literal["at least", "at most"]
    number: float

    def reached_by(self, number: float) -> bool:
        return number >= self.number if self.bound == "at least" else number <= self.number

    def __str__(self) -> str:
        return f"{'≥' if self.bound == 'at least' else '≤'} {self.number:,g}{' x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """How a time is distributed, in ms."""

    p50: float
    p90: float
    p99: float
    p999: float
    largest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Percentiles:
        """Return those of at least one time."""
        cuts = quantiles([*seconds, *seconds] if len(seconds) == 1 else seconds, n=1000, method="inclusive")
        return cls(*(1000 * each for each in (cuts[499], cuts[899], cuts[989], cuts[998], max(seconds))))


@dataclass(frozen=True, slots=True)
class Baseline:
    """The same work done in the barest way, round by round in turn with ours."""

    what: str
    rounds: Sequence[float]

    @property
    def value(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, measured in several rounds."""

    measurement: str
    what: str
    unit: str
    rounds: Sequence[float]
    baseline: Baseline | None = None
    goal: Goal | None = None
    #: Distributions of the times behind it, over all rounds, by from when to when.
    times: Mapping[str, Percentiles] = field(default_factory=dict)
    #: What else was seen, with the unit in its name.
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """Ours to the baseline's; each round is compared with the one beside it, as both had the same machine.

        None where there is nothing to compare with: a baseline too small to be measured is none.
        """
        if self.baseline is None or min(self.baseline.rounds) <= 0:
            return None
        return median(ours / bare for ours, bare in zip(self.rounds, self.baseline.rounds, strict=True))

    @property
    def reached(self) -> bool | None:
        """Whether it reached its goal; None: it has none."""
        if self.goal is None:
            return None
        number = self.value if self.goal.of == "value" else self.ratio
        return number is not None and self.goal.reached_by(number)

    def as_json(self) -> dict[str, Any]:
        return {
            "measurement": self.measurement,
            "what": self.what,
            "unit": self.unit,
            "median": self.value,
            "rounds": list(self.rounds),
            "baseline": self.baseline and {"what": self.baseline.what, "rounds": list(self.baseline.rounds)},
            "ratio": self.ratio,
            "goal": str(self.goal) if self.goal else None,
            "reached": self.reached,
            "timesMs": {name: _times(each) for name, each in self.times.items()},
            "details": dict(self.details),
        }


def _times(times: Percentiles) -> dict[str, float]:
    return {
        "p50": times.p50,
        "p90": times.p90,
        "p99": times.p99,
        "p99.9": times.p999,
        "max": times.largest,
    }
