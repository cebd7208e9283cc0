"""Given, when, then for deciders; and the law that holds for every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.eventsourcing.decider import Decider, RefusedError

State = TypeVar("State")
Asked = TypeVar("Asked")
Happened = TypeVar("Happened")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Happened]):
    """What a command led to."""

    events: tuple[Happened, ...]
    refusal: RefusedError | None = None

    def then(self, *expected: Happened) -> None:
        assert self.refusal is None, f"refused: {self.refusal}"
        assert self.events == expected

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, error: type[RefusedError]) -> None:
        assert type(self.refusal) is error, f"not refused so, but {self.refusal!r} and {self.events}"
        about = [str(value) for value in vars(self.refusal).values() if value is not None]
        assert about, f"{self.refusal!r} does not say what it is about"
        assert [value for value in about if value not in str(self.refusal)] == [], "what it is about is not named"


@dataclass(frozen=True, slots=True)
class Given(Generic[State, Asked, Happened]):
    decider: Decider[State, Asked, Happened]
    state: State

    def when(self, command: Asked) -> Outcome[Happened]:
        try:
            return Outcome(tuple(self.decider.decide(self.state, command)))
        except RefusedError as error:
            return Outcome((), error)


def given(decider: Decider[State, Asked, Happened], *events: Happened) -> Given[State, Asked, Happened]:
    """The state after the events; without events the initial one."""
    return Given(decider, decider.fold(events))


def steps(
    decider: Decider[State, Asked, Happened], commands: Iterable[Asked]
) -> Iterator[tuple[Asked, State, tuple[Happened, ...]]]:
    """Each command with the state before it and what it led to; those that are refused lead to nothing."""
    state = decider.initial
    for command in commands:
        events = Given(decider, state).when(command).events
        yield command, state, events
        state = decider.fold(events, state)


def history(decider: Decider[State, Asked, Happened], commands: Iterable[Asked]) -> list[Happened]:
    """Everything that the commands led to."""
    return [event for _, _, events in steps(decider, commands) for event in events]


def assert_repeating_writes_nothing(decider: Decider[State, Asked, Happened], commands: Iterable[Asked]) -> None:
    """Messages come at least once: whatever was decided, deciding it again leads to nothing, or is refused."""
    for command, before, events in steps(decider, commands):
        again = Given(decider, decider.fold(events, before)).when(command)
        assert again.events == (), f"{command} twice after {before}"
