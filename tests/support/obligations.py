"""A process manager of nothing in particular: what is owed has to be paid, and whoever is paid says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from shared.contracts.message import Event
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.process import Process
from shared.eventsourcing.process_manager import ProcessManager
from tests.support.events import as_stored
from tests.support.eventually import eventually
from tests.support.moments import at


class _Said(Event):
    debtor: str
    creditor: str = ""

    @property
    def stream(self) -> str:
        return f"debt-{self.debtor}:{self.creditor}"


class Owed(_Said):
    type: ClassVar[str] = "debt.owed.v1"

    #: In seconds, from when on.
    due_at: float | None = None


class Paid(_Said):
    type: ClassVar[str] = "debt.paid.v1"


class Greeted(_Said):
    """It changes nothing about debts."""

    type: ClassVar[str] = "debt.greeted.v1"


@dataclass(frozen=True, slots=True)
class Debtor:
    """Whom somebody owes, and from when on it is due."""

    name: str
    owes: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Pay:
    debtor: str
    creditor: str


#: What becomes of a payment: it is made; nobody answers, before it is made or after; another was faster; a refusal.
Outcome = Literal["made", "lost", "made but not told", "outrun", "refused"]


def follow(debtor: Debtor | None, event: Event) -> Debtor | None:
    match event:
        case Owed():
            others = debtor.owes if debtor else ()
            return Debtor(event.debtor, (*others, (event.creditor, event.due_at or 0)))
        case Paid() if debtor:
            owes = tuple(each for each in debtor.owes if each[0] != event.creditor)
            return Debtor(debtor.name, owes) if owes else None
        case _:
            return debtor


def next_at(debtor: Debtor) -> datetime | None:
    return min((at(due_at) for _, due_at in debtor.owes if due_at), default=None)


@dataclass(slots=True)
class Debts:
    """A log of debts, whoever has them paid, and how that goes."""

    now: datetime = field(default_factory=at)
    #: What becomes of the next payments; of those that come after them: they are made.
    outcomes: list[Outcome] = field(default_factory=list)
    #: Creditors who take their time, until they may be paid.
    hanging: dict[str, asyncio.Event] = field(default_factory=dict)
    log: list[tuple[Event, StoredEvent]] = field(default_factory=list)
    given: list[tuple[Pay, Context]] = field(default_factory=list)
    #: How often it was asked what is due, by debtor.
    asked: Counter[str] = field(default_factory=Counter)
    running: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    _managers: list[ProcessManager[Debtor, Pay]] = field(default_factory=list)
    _told: int = 0

    @asynccontextmanager
    async def managed(self) -> AsyncIterator[ProcessManager[Debtor, Pay]]:
        """Start one more process manager."""
        process = Process(lambda event: getattr(event, "debtor", None), follow, self._due, _stream, next_at)
        manager = ProcessManager(process, self._pay, "service:test", lambda: self.now)
        for event, stored in self.log[: self._told]:
            manager.apply(event, stored)
        self._managers.append(manager)
        running = asyncio.ensure_future(manager.run())
        try:
            yield manager
        finally:
            self._managers.remove(manager)
            running.cancel()
            await asyncio.wait({running})
            assert running.cancelled()

    def happens(self, *events: Event) -> StoredEvent:
        """Write events, and have everybody hear of them; return how the log holds the last one."""
        for event in events:
            self.log.append((event, as_stored(event, Context.begin("server:key"), len(self.log) + 1)))
        self.passes_on()
        return self.log[-1][1]

    def passes_on(self) -> None:
        for event, stored in self.log[self._told :]:
            for manager in self._managers:
                manager.apply(event, stored)
            self._told += 1

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def paid(self) -> list[str]:
        return [f"{event.debtor} to {event.creditor}" for event, _ in self.log if isinstance(event, Paid)]

    async def until(self, *paid: str) -> None:
        """Pass on what is written until so much is paid, and seen to be."""

        def is_paid() -> bool:
            self.passes_on()
            return set(paid) <= set(self.paid())

        await eventually(is_paid)

    def _due(self, debtor: Debtor, now: datetime) -> Iterator[Pay]:
        self.asked[debtor.name] += 1
        return (Pay(debtor.name, creditor) for creditor, due_at in debtor.owes if at(due_at) <= now)

    async def _pay(self, command: Pay, context: Context) -> None:
        stream = _stream(command)
        self.given.append((command, context))
        self.running[stream] += 1
        assert self.running[stream] == 1
        self.most_at_once = max(self.most_at_once, self.running.total())
        try:
            await asyncio.sleep(0)
            if command.creditor in self.hanging:
                await self.hanging[command.creditor].wait()
            self._decide(command, self.outcomes.pop(0) if self.outcomes else "made")
        finally:
            self.running[stream] -= 1

    def _decide(self, command: Pay, outcome: Outcome) -> None:
        if outcome in {"made", "made but not told"} and f"{command.debtor} to {command.creditor}" not in self.paid():
            event = Paid(at=self.now, debtor=command.debtor, creditor=command.creditor)
            self.log.append((event, as_stored(event, Context.begin("service:test"), len(self.log) + 1)))
        match outcome:
            case "lost" | "made but not told":
                raise LogUnavailableError("the test said so")
            case "outrun":
                raise ConcurrencyConflictError(_stream(command), 1, 2)
            case "refused":
                raise RefusedError("the test said so")
            case "made":
                pass


def owes(debtor: str, creditor: str, due_at: float | None = None) -> Owed:
    return Owed(at=at(), debtor=debtor, creditor=creditor, due_at=due_at)


def greets(debtor: str) -> Greeted:
    return Greeted(at=at(), debtor=debtor)


def _stream(command: Pay) -> str:
    return f"debt-{command.debtor}:{command.creditor}"
