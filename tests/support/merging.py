"""Recorders beside one another on one log, as far as they make merges; fed as by the relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.recorder.merging.maker import Report
from services.recorder.merging.merger import Maker, Merger
from services.recorder.merging.streams import MergeStreams
from shared.contracts.merge import CancelMerge, MergeCancelled, MergedFile, MergeEvent, MergeRequested, StartMerge
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, decode, encode
from shared.messaging.follower import Follower
from tests.support.events import append, sequence_all
from tests.support.eventually import eventually
from tests.support.merges import FILE, cancel, start
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore

Happened = TypeVar("Happened", bound=Event)


@dataclass(slots=True)
class HeldMaker:
    """Makes no file; each merge is made when the test says so."""

    error: Exception | None = None
    percent: int = 0
    begun: list[str] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)
    cleared: list[tuple[str, bool]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def make(self, requested: MergeRequested, report: Report) -> MergedFile:
        self.begun.append(requested.merge_id)
        self.order.append("begun")
        report(self.percent)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.let_go.append(requested.merge_id)
            self.order.append("let go")
            raise
        if self.error:
            raise self.error
        return FILE

    async def clear(self, requested: MergeRequested, *, keep_file: bool) -> None:
        self.cleared.append((requested.merge_id, keep_file))
        self.order.append("cleared")


@dataclass(slots=True)
class Workshop:
    """Recordings of one session, `s`, and what is merged of them."""

    log: Any = field(default_factory=UnreliableEventStore)
    now: datetime = field(default_factory=at)
    _followers: list[Follower] = field(default_factory=list)

    @property
    def streams(self) -> MergeStreams:
        return MergeStreams(self.log)

    @asynccontextmanager
    async def recorder(self, worker_id: str, maker: Maker) -> AsyncIterator[asyncio.Future[None]]:
        """Start one more recorder, as far as it makes merges; it ends in order, unless it was killed before."""
        merger = Merger(self.streams, maker, worker_id, self.read)
        follower = Follower(self.log, merger.apply)
        await follower.catch_up()
        running = asyncio.ensure_future(merger.run())
        self._followers.append(follower)
        try:
            yield running
        finally:
            self._followers = [each for each in self._followers if each is not follower]
            running.cancel()
            await asyncio.wait({running})

    def read(self) -> datetime:
        """Return the session's time."""
        return self.now

    def deafen(self) -> None:
        """Let nobody hear anything any more; what they say still comes into the log."""
        self._followers.clear()

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def asks(self, command: StartMerge | None = None) -> MergeRequested:
        decided = await self.streams.give(command or start(), Context.begin("server:key"))
        (requested,) = decided.events
        assert isinstance(requested, MergeRequested)
        await self.pass_on()
        return requested

    async def cancels(self, command: CancelMerge | None = None) -> None:
        decided = await self.streams.give(command or cancel(), Context.begin("server:key"))
        assert isinstance(decided.events[0], MergeCancelled)
        await self.pass_on()

    async def happens(self, event: Event) -> None:
        await append(self.log, event.stream, [encode(event, Context.begin("worker:test"))])

    async def pass_on(self) -> None:
        await sequence_all(self.log)
        await asyncio.gather(*(follower.catch_up() for follower in self._followers))

    async def until(self, kind: type[Happened], count: int = 1, within: float = 10) -> list[Happened]:
        """Pass on what the log holds until there are so many such events in it."""

        async def are_there() -> bool:
            return len(await self.told(kind)) >= count

        await self.when(are_there, within)
        return await self.told(kind)

    async def until_one_of(self, *kinds: type[MergeEvent], within: float = 10) -> list[MergeEvent]:
        """Pass on what the log holds until there is an event of one of these kinds in it."""

        async def is_there() -> bool:
            return any(isinstance(event, kinds) for event in await self.told(MergeEvent))

        await self.when(is_there, within)
        return [event for event in await self.told(MergeEvent) if isinstance(event, kinds)]

    async def when(self, condition: Callable[[], bool | Awaitable[bool]], within: float = 10) -> None:
        """Pass on what the log holds until the condition holds."""

        async def holds() -> bool:
            await self.pass_on()
            result = condition()
            return result if isinstance(result, bool) else await result

        await eventually(holds, within)

    async def told(self, kind: type[Happened]) -> list[Happened]:
        events = [decode(stored) for stored in await self.log.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def story(self) -> list[str]:
        """Return what was said of merges, without the words that a worker still lives."""
        told = [event.type.split(".")[1] for event in await self.told(MergeEvent)]
        return [word for word in told if word != "progressed"]
