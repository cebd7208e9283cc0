"""Runs a process manager: follows what happens, and gives the commands that are due until their effect is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import structlog

from shared.concurrency.clock import Clock
from shared.concurrency.supervision import single_error
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.process import Process

_log = structlog.get_logger()

State = TypeVar("State")
Asked = TypeVar("Asked")

#: How often commands are looked for that time makes due, or whose effect was not seen.
_TICK_SECONDS = 0.5
#: How many streams are given commands at once: enough for them to share appends.
_AT_ONCE = 16
#: How many states that rest are remembered.
_RESTING = 1000


@dataclass(slots=True)
class _Errand(Generic[Asked]):
    """What is due to one stream, in order, and what made it due."""

    commands: Sequence[Asked]
    context: Context
    runs: bool = False
    was_given: bool = False
    was_refused: bool = False

    def begins(self, *, again: bool) -> bool:
        """Tell whether it is to be run now; one whose effect is awaited only if it is to be given again."""
        if self.runs or (self.was_given and not again):
            return False
        self.runs = self.was_given = True
        return True

    def is_like(self, commands: Sequence[Asked]) -> bool:
        """Tell whether those are the same ones as of another moment."""
        return [type(each) for each in self.commands] == [type(each) for each in commands]


@dataclass(slots=True)
class _Known(Generic[State, Asked]):
    """A state, what led to it, and what is due because of it, by stream."""

    state: State
    context: Context
    errands: dict[str, _Errand[Asked]] = field(default_factory=dict)


class ProcessManager(Generic[State, Asked]):
    """Asks what is due of states that changed, and of those that time or a failure may make due.

    Several streams are given commands at once, so that a slow one holds up no other; to one stream they go one after
    the other, in order. Several process managers may run at once: what two of them give is done once.
    """

    def __init__(
        self,
        process: Process[State, Asked],
        give: Callable[[Asked, Context], Awaitable[object]],
        actor: str,
        clock: Clock,
    ) -> None:
        """`give` raises RefusedError, LogUnavailableError and ConcurrencyConflictError."""
        self._process = process
        self._give = give
        self._actor = actor
        self._clock = clock
        self._known: dict[str, _Known[State, Asked]] = {}
        # Keys, the oldest first: those that changed; that something is due of; that time makes due; that rest.
        self._changed: dict[str, None] = {}
        self._owing: dict[str, None] = {}
        self._timed: dict[str, datetime] = {}
        self._resting: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        #: By stream: who gives it something, and who waits.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __len__(self) -> int:
        """Return how many states are remembered."""
        return len(self._known)

    def apply(self, event: Event, stored: StoredEvent) -> None:
        """Take the next event of the log."""
        key = self._process.key_of(event)
        if key is None:
            return
        known = self._known.get(key)
        before = known.state if known else None
        after = self._process.follow(before, event)
        if after is None:
            self._forget(key)
        elif after is not before:
            self._keep(key, after, Context(self._actor, stored.id, stored.correlation_id))

    async def give_due(self) -> None:
        """Give what became due since it was asked last, once; return when all of it was tried."""
        with single_error():
            async with asyncio.TaskGroup() as tasks:
                self._look_at_changed(tasks)

    async def run(self) -> None:
        """Give what is due, whenever something happened and now and then, for ever."""
        loop = asyncio.get_running_loop()
        with single_error():
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._give_changed(tasks, until=loop.time() + _TICK_SECONDS)
                    self._look_at_due(tasks)

    async def _give_changed(self, tasks: asyncio.TaskGroup, until: float) -> None:
        """Give what happens makes due, until so late, however much happens."""
        while asyncio.get_running_loop().time() < until:
            self._wake.clear()
            self._look_at_changed(tasks)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._wake.wait()

    def _keep(self, key: str, state: State, context: Context) -> None:
        known = self._known.setdefault(key, _Known(state, context))
        known.state, known.context = state, context
        self._changed[key] = None
        self._wake.set()
        self._resting.pop(key, None)
        if self._process.rests(state):
            self._resting[key] = None
            if len(self._resting) > _RESTING:
                self._forget(next(iter(self._resting)))

    def _forget(self, key: str) -> None:
        if known := self._known.pop(key, None):
            known.errands.clear()
            keys: tuple[dict[str, Any], ...] = (self._changed, self._owing, self._timed, self._resting)
            for each in keys:
                each.pop(key, None)

    def _look_at_changed(self, tasks: asyncio.TaskGroup) -> None:
        changed, self._changed = self._changed, {}
        for key in changed:
            self._look(key, tasks, again=False)

    def _look_at_due(self, tasks: asyncio.TaskGroup) -> None:
        now = self._clock()
        for key in self._owing | {key: None for key, at in self._timed.items() if at <= now}:
            self._look(key, tasks, again=True)

    def _look(self, key: str, tasks: asyncio.TaskGroup, *, again: bool) -> None:
        """Give what is due because of a key."""
        known = self._known[key]
        due = self._due(known.state)
        for stream in known.errands.keys() - due.keys():
            del known.errands[stream]
        for stream, commands in due.items():
            errand = known.errands.get(stream)
            if errand is None or not errand.is_like(commands):
                errand = known.errands[stream] = _Errand(commands, known.context)
            errand.commands = commands
            if errand.begins(again=again):
                tasks.create_task(self._run(known, stream, errand))
        self._watch(key, known)

    def _due(self, state: State) -> dict[str, list[Asked]]:
        due: dict[str, list[Asked]] = {}
        for command in self._process.due(state, self._clock()):
            due.setdefault(self._process.stream_of(command), []).append(command)
        return due

    def _watch(self, key: str, known: _Known[State, Asked]) -> None:
        self._owing.pop(key, None)
        self._timed.pop(key, None)
        if known.errands:
            self._owing[key] = None
        if at := self._process.next_at(known.state):
            self._timed[key] = at

    async def _run(self, known: _Known[State, Asked], stream: str, errand: _Errand[Asked]) -> None:
        async with self._turns.setdefault(stream, asyncio.Lock()), self._slots:
            # Meanwhile it may have been done by somebody else, or something else be due.
            if known.errands.get(stream) is errand:
                for command in errand.commands:
                    await self._try(command, errand)
        errand.runs = False

    async def _try(self, command: Asked, errand: _Errand[Asked]) -> None:
        try:
            await self._give(command, errand.context)
        except RefusedError as error:
            if not errand.was_refused:
                _log.info("not due any more", command=type(command).__name__, reason=str(error))
            errand.was_refused = True
        except (LogUnavailableError, ConcurrencyConflictError) as error:
            _log.warning("will be given again", command=type(command).__name__, reason=str(error))
