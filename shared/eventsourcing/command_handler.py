"""Load, decide, append: the way of every command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast
from weakref import WeakValueDictionary

import structlog

from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.decider import Decider
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.snapshots import Loaded, Snapshots
from shared.eventsourcing.store import EventStore

_log = structlog.get_logger()

State = TypeVar("State")
Asked = TypeVar("Asked")
Happened = TypeVar("Happened", bound=Event)
Outcome = TypeVar("Outcome")

#: A conflict means that somebody else got on, so a command that loses this often is in a storm, not in bad luck.
_ATTEMPTS = 20
#: A snapshot is taken whenever a stream has grown by as many events.
_SNAPSHOT_EVERY = 200


@dataclass(frozen=True, slots=True)
class Decided(Generic[State, Happened]):
    """What a command led to: the events it wrote, perhaps none, and the state after them."""

    state: State
    position: int
    events: tuple[Happened, ...]


class CommandHandler(Generic[State, Asked, Happened]):
    """Brings one aggregate's decider and the log together.

    Snapshots are worth it where streams are long, recent states where one process gives many commands to one stream.
    """

    def __init__(
        self,
        store: EventStore,
        decider: Decider[State, Asked, Happened],
        snapshots: Snapshots[State] | None = None,
        recent: RecentStates[State] | None = None,
    ) -> None:
        self._store = store
        self._decider = decider
        self._snapshots = snapshots
        self._recent = recent
        #: By stream: who of this process is deciding on it, and who waits.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def load(self, stream: str) -> Loaded[State]:
        """Return the state that the log has now."""
        recent = self._recent.get(stream) if self._recent else None
        snapshot = await self._snapshots.load(stream) if self._snapshots and not recent else None
        since = recent or snapshot or Loaded(self._decider.initial, 0)
        loaded = self._fold(await self._store.read(stream, since.position), since)
        await self._keep(stream, since.position, loaded)
        return loaded

    async def handle(
        self, stream: str, command: Asked, context: Context, known: Loaded[State] | None = None
    ) -> Decided[State, Happened]:
        """Decide the command on the stream's newest state. Raises RefusedError.

        `known` spares the read, for a command that leads to an event on any state: the log refuses one that is old.
        """

        async def attempt() -> Decided[State, Happened]:
            nonlocal known
            loaded, known = known or await self.load(stream), None
            return await self._attempt(stream, loaded, command, context)

        # One after the other: all at once, all but one would have to decide again, for as many times as there are.
        async with self._turns.setdefault(stream, asyncio.Lock()):
            return await _insist(attempt)

    async def handle_once(self, stream: str, command: Asked, context: Context) -> Decided[State, Happened]:
        """Decide a command that may come again as the same message, `context.causation_id`. Raises RefusedError.

        What a message led to names it as its cause and is appended at once, so the stream itself remembers which ones
        were handled. One that comes again after others have changed the state would else be decided anew.
        """

        async def attempt() -> Decided[State, Happened]:
            stored = await self._store.read(stream)
            loaded = self._fold(stored, Loaded(self._decider.initial, 0))
            if any(event.causation_id == context.causation_id for event in stored):
                return Decided(loaded.state, loaded.position, ())
            return await self._attempt(stream, loaded, command, context)

        return await _insist(attempt)

    async def _attempt(
        self, stream: str, loaded: Loaded[State], command: Asked, context: Context
    ) -> Decided[State, Happened]:
        events = self._decider.decide(loaded.state, command)
        await self._append(stream, loaded.position, events, context)
        state = self._decider.fold(events, loaded.state)
        return Decided(state, loaded.position + len(events), tuple(events))

    async def _keep(self, stream: str, known: int, loaded: Loaded[State]) -> None:
        if self._recent:
            self._recent.put(stream, loaded)
        if self._snapshots and loaded.position // _SNAPSHOT_EVERY > known // _SNAPSHOT_EVERY:
            await _save(self._snapshots, stream, loaded)

    async def _append(self, stream: str, position: int, events: Sequence[Happened], context: Context) -> None:
        if events:
            await self._store.append(stream, position, [encode(event, context) for event in events])

    def _fold(self, stored: Sequence[StoredEvent], since: Loaded[State]) -> Loaded[State]:
        events = (cast("Happened", decode(event)) for event in stored)
        return Loaded(self._decider.fold(events, since.state), since.position + len(stored))


async def _insist(attempt: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Attempt it until nobody else was faster."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await attempt()
        except ConcurrencyConflictError:
            continue
    return await attempt()


async def _save(snapshots: Snapshots[State], stream: str, loaded: Loaded[State]) -> None:
    try:
        await snapshots.save(stream, loaded)
    except LogUnavailableError as error:
        _log.warning("snapshot not saved", stream=stream, error=str(error))
