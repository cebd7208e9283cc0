"""Load, decide, append: the way of every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.decider import Decider
from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.store import EventStore

State = TypeVar("State")
Asked = TypeVar("Asked")
Happened = TypeVar("Happened", bound=Event)

#: A conflict means that somebody else got on, so a command that loses this often is in a storm, not in bad luck.
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A stream's state and the position it was folded up to."""

    state: State
    position: int


@dataclass(frozen=True, slots=True)
class Decided(Generic[State, Happened]):
    """What a command led to: the events it wrote, perhaps none, and the state after them."""

    state: State
    position: int
    events: tuple[Happened, ...]


class CommandHandler(Generic[State, Asked, Happened]):
    """Brings one aggregate's decider and the log together."""

    def __init__(self, store: EventStore, decider: Decider[State, Asked, Happened]) -> None:
        self._store = store
        self._decider = decider

    async def load(self, stream: str) -> Loaded[State]:
        stored = await self._store.read(stream)
        events = [cast("Happened", decode(event)) for event in stored]
        return Loaded(self._decider.fold(events), len(stored))

    async def handle(self, stream: str, command: Asked, context: Context) -> Decided[State, Happened]:
        """Decide the command on the stream's newest state. Raises RefusedError."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._attempt(stream, command, context)
            except ConcurrencyConflictError:
                continue
        return await self._attempt(stream, command, context)

    async def _attempt(self, stream: str, command: Asked, context: Context) -> Decided[State, Happened]:
        loaded = await self.load(stream)
        events = self._decider.decide(loaded.state, command)
        await self._append(stream, loaded.position, events, context)
        state = self._decider.fold(events, loaded.state)
        return Decided(state, loaded.position + len(events), tuple(events))

    async def _append(self, stream: str, position: int, events: Sequence[Happened], context: Context) -> None:
        if events:
            await self._store.append(stream, position, [encode(event, context) for event in events])
