"""The decider: a state machine of pure functions.

Jérémie Chassaing, "Functional Event Sourcing Decider" (2021). `evolve` never refuses and never asks the time;
`decide` may refuse, and returns nothing where what is asked holds already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

State = TypeVar("State")
Asked = TypeVar("Asked")
Happened = TypeVar("Happened")


class RefusedError(Exception):
    """A command was decided against."""

    #: For programs, for instance `already_recording`.
    code: str = "refused"


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Asked, Happened]):
    """One aggregate's rules."""

    initial: State
    evolve: Callable[[State, Happened], State]
    #: Raises RefusedError.
    decide: Callable[[State, Asked], Sequence[Happened]]

    def fold(self, events: Iterable[Happened], state: State | None = None) -> State:
        """Return the state after the events, from `state` or from the beginning."""
        return reduce(self.evolve, events, self.initial if state is None else state)
