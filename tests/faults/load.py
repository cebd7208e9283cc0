"""A small but real system under load: appenders, askers, a decider, the relay and those who listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import services.relay.bootstrap
from shared.eventsourcing.store import EventStore
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings, load_settings
from tests.faults.appending import Appender
from tests.faults.commanding import Asker, deciding
from tests.faults.listening import Following, Subscriber
from tests.support.eventually import eventually

#: What every process of the system is told besides its addresses.
CREDENTIALS = {"api_key": "faults", "api_secret": "a secret that is made up for these tests alone"}

_APPENDERS = 6
_ASKERS = 4
#: An appender's streams; those it shares with the others make them conflict now and then.
_OWN_STREAMS, _SHARED_STREAMS = 8, 2
#: Seconds between two batches of one appender, and two commands of one asker, on average.
_APPEND_PACE = 0.03
_ASK_PACE = 0.03
#: How long is waited for what everybody does: they are many processes' worth of work for a busy machine.
_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Addresses:
    """Where each part of the system finds its servers; a part may have to go through a proxy."""

    database: str
    amqp: str
    appenders_database: str | None = None
    relay_amqp: str | None = None
    askers_amqp: str | None = None
    decider_amqp: str | None = None
    #: False where the test runs relays of its own.
    has_relay: bool = True


@dataclass
class Load:
    """The running system."""

    store: EventStore
    appenders: list[Appender]
    askers: list[Asker]
    following: Following
    subscriber: Subscriber
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _work: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def appended(self) -> int:
        """How many events the appenders know to be in the log."""
        return sum(len(ids) for appender in self.appenders for _, ids in appender.acknowledged)

    @property
    def answered(self) -> int:
        return sum(len(asker.answered) for asker in self.askers)

    @property
    def outages(self) -> int:
        """How often an appender was not told what became of what it appended."""
        return sum(appender.outages for appender in self.appenders)

    @property
    def unanswered(self) -> int:
        return sum(asker.unanswered for asker in self.askers)

    async def goes_on(self, events: int = 150, commands: int = 30, within: float = _WITHIN_SECONDS) -> None:
        """Return when so much more was appended, decided and followed than now: all parts work."""
        appended, answered = self.appended + events, self.answered + commands
        followed = len(self.following.applied) + events + commands
        await eventually(lambda: self._ended_early() or self.appended >= appended, within)
        await eventually(lambda: self._ended_early() or self.answered >= answered, within)
        await eventually(lambda: self._ended_early() or len(self.following.applied) >= followed, within)

    async def is_noticed(self, outages: int) -> None:
        """Return when an appender was not told what became of its batch, beyond so many times."""
        await eventually(lambda: self.outages > outages)

    async def end(self, within: float = _WITHIN_SECONDS) -> None:
        """Let everybody finish what they are at, and what they did be followed."""
        self._stop.set()
        async with asyncio.timeout(within):
            await asyncio.gather(*self._work)
        await self.is_followed(within)

    async def is_followed(self, within: float = _WITHIN_SECONDS) -> None:
        """Return when all that the appenders and askers did was followed."""
        told = self.appended + self.answered
        try:
            await eventually(lambda: len(self.following.applied) >= told, within)
        except AssertionError as error:
            head, applied = await self.store.head(), len(self.following.applied)
            error.add_note(f"{applied} events were followed, {head} sequenced, of {told} that are known to be there")
            raise

    def _ended_early(self) -> bool:
        for task in self._work:
            if task.done() and not self._stop.is_set():
                task.result()
        return False


@asynccontextmanager
async def load(addresses: Addresses, seed: int) -> AsyncIterator[Load]:
    """Run the system, warm and under load, while the context lasts."""
    async with AsyncExitStack() as stack:

        async def process(database: str | None = None, amqp: str | None = None) -> Infrastructure:
            return await stack.enter_async_context(_process(database or addresses.database, amqp or addresses.amqp))

        subscriber, following = Subscriber(await process()), Following(await process())
        await stack.enter_async_context(subscriber.listening())
        await stack.enter_async_context(following.listening())
        await stack.enter_async_context(deciding(await process(amqp=addresses.decider_amqp)))
        if addresses.has_relay:
            relay = await process(amqp=addresses.relay_amqp)
            await stack.enter_async_context(services.relay.bootstrap.running(relay))
        appending = await process(database=addresses.appenders_database)
        asking = await process(amqp=addresses.askers_amqp)
        observer = await process()
        running = Load(observer.store, _appenders(appending, seed), _askers(asking, seed), following, subscriber)
        await stack.enter_async_context(_at_work(running))
        yield running


def _appenders(infrastructure: Infrastructure, seed: int) -> list[Appender]:
    shared = [f"consent-shared:{number}" for number in range(_SHARED_STREAMS)]
    return [
        Appender(
            infrastructure.store,
            [*(f"consent-{appender}:{number}" for number in range(_OWN_STREAMS)), *shared],
            Random(f"{seed} appender {appender}"),
            _APPEND_PACE,
        )
        for appender in range(_APPENDERS)
    ]


def _askers(infrastructure: Infrastructure, seed: int) -> list[Asker]:
    return [
        Asker(infrastructure.bus, f"asker-{number}", Random(f"{seed} asker {number}"), _ASK_PACE)
        for number in range(_ASKERS)
    ]


@asynccontextmanager
async def _at_work(running: Load) -> AsyncIterator[None]:
    workers: list[Appender | Asker] = [*running.appenders, *running.askers]
    running._work = [asyncio.create_task(worker.run(running._stop)) for worker in workers]
    try:
        yield
    finally:
        for task in running._work:
            task.cancel()
        await asyncio.gather(*running._work, return_exceptions=True)


def _process(database: str, amqp: str) -> AbstractAsyncContextManager[Infrastructure]:
    """One process's own connections to the servers."""
    settings = load_settings(Settings, database_url=database, amqp_url=amqp, **CREDENTIALS)
    return open_infrastructure(settings, services.relay.bootstrap.MIGRATIONS)
