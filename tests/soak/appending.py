"""Those who append: many at once, some in slow transactions, and none of them sure of an answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, LogUnavailableError
from shared.eventsourcing.event import AppendRequest, NewEvent
from shared.eventsourcing.event_id import new_event_id
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.postgres import PostgresEventStore
from tests.soak.ledger import Ledger
from tests.support.events import open_log

_SHARED_STREAMS = [f"shared-{number}" for number in range(4)]
_COMPETITORS = 3
_PAUSE_SECONDS = 0.01
_KILLED = "RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())"
_MOMENT, _CAUSE = datetime(2026, 3, 21, tzinfo=UTC), UUID(int=1)


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part of the work. What is done follows from the seed; who is faster does not."""

    url: str
    seed: int
    appends: int
    #: No append begins after so many seconds.
    seconds: float
    #: Who append at once, and who do so in transactions of up to so many seconds.
    appenders: int
    dawdlers: int
    slowest: float


async def append_share(share: Share) -> Ledger:
    """Do a process's part, as a store with connections of its own."""
    async with open_log(share.url) as pool:
        appending = _Appending(share, PostgresEventStore(pool))
        async with asyncio.TaskGroup() as group:
            dawdling = [group.create_task(appending.dawdle(number)) for number in range(share.dawdlers)]
            appenders = [group.create_task(appending.append_on(number)) for number in range(share.appenders)]
            await asyncio.wait(appenders)
            appending.finished = True
            await asyncio.wait(dawdling or appenders)
    return appending.ledger


class _Appending:
    def __init__(self, share: Share, store: PostgresEventStore) -> None:
        self.ledger = Ledger()
        self.finished = False
        #: Where the streams that everybody appends to are known to be, at least.
        self._heads: dict[str, int] = {}
        #: Of all who would like to, most would lose again and again.
        self._competing = asyncio.Semaphore(_COMPETITORS)
        self._share = share
        self._store = store
        self._left = share.appends
        self._end = time.monotonic() + share.seconds

    async def append_on(self, number: int) -> None:
        """Append event after event, to one's own streams and now and then to those that everybody appends to."""
        chance = random.Random(f"{self._share.seed}/{number}")
        stream, head = "", 0
        while self._left > 0 and time.monotonic() < self._end:
            self._left -= 1
            if not stream or chance.random() < 0.005:
                await self._look(stream, head)
                stream, head = f"{self._share.seed}-{number}-{chance.getrandbits(48)}", 0
            request = AppendRequest(stream, head, _events(3 if chance.random() < 0.02 else 1))
            if chance.random() < 0.005 and not self._competing.locked():
                async with self._competing:
                    await self._compete(chance.choice(_SHARED_STREAMS), request.events)
                continue
            assert await self._insist(request), f"{stream} has events of somebody else"
            head = request.head

    async def dawdle(self, number: int) -> None:
        """Append to several streams in a slow transaction, and commit it, or roll it back, or be killed in it."""
        chance = random.Random(f"{self._share.seed}/slow/{number}")
        while not self.finished:
            names = [f"{self._share.seed}-slow-{number}-{chance.getrandbits(48)}" for _ in range(chance.randint(1, 3))]
            requests = [AppendRequest(name, 0, _events(chance.randint(1, 3))) for name in names]
            slowly = chance.random() * self._share.slowest
            end = chance.choice(["COMMIT", "COMMIT", "ROLLBACK", _KILLED])
            try:
                async with _session(self._share.url) as session:
                    await self._append_slowly(session, requests, slowly, end)
            except LogUnavailableError:
                self.ledger.cut_off += 1
                for request in requests:
                    await self._settle(request)

    async def _append_slowly(
        self, session: asyncpg.Connection, requests: list[AppendRequest], seconds: float, end: str
    ) -> None:
        with outages_told():
            await session.execute("BEGIN")
            await PostgresEventStore(session).append_together(requests)
            await asyncio.sleep(seconds)
            await session.execute(end)
        if end == "ROLLBACK":
            self.ledger.aborted += 1
            return
        for request in requests:
            self.ledger.add(request)

    async def _compete(self, stream: str, events: Sequence[NewEvent]) -> None:
        """Append to where the stream is, until nobody else is faster."""
        while not await self._insist(AppendRequest(stream, await self._head(stream), events)):
            self.ledger.conflicts += 1

    async def _head(self, stream: str) -> int:
        while True:
            with suppress(LogUnavailableError):
                known = self._heads.get(stream, 0)
                self._heads[stream] = known + len(await self._store.read(stream, known))
                return self._heads[stream]
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _insist(self, request: AppendRequest) -> bool:
        """Append until there is an answer; tell whether these events, not somebody else's, are at that place."""
        while True:
            try:
                await self._store.append(request.stream, request.expected, request.events)
                break
            except LogUnavailableError:
                self.ledger.unanswered += 1
                await asyncio.sleep(_PAUSE_SECONDS)
            except (ConcurrencyConflictError, DuplicateEventError):
                if not await self._is_there(request):
                    return False
                break
        self.ledger.add(request)
        return True

    async def _is_there(self, request: AppendRequest) -> bool:
        while True:
            with suppress(LogUnavailableError):
                stored = await self._store.read(request.stream, request.expected)
                return {event.id for event in request.events} <= {event.id for event in stored}
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _settle(self, request: AppendRequest) -> None:
        """Ask for the same place: whoever gets it knows that the lost append never will."""
        if not await self._insist(AppendRequest(request.stream, request.expected, _events(1))):
            self.ledger.add(request)

    async def _look(self, stream: str, head: int) -> None:
        """Read a stream while its events are on their way into the log's order: none may be missing for a moment."""
        with suppress(LogUnavailableError):
            assert len(await self._store.read(stream)) == head, f"{stream} was not whole"


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[asyncpg.Connection]:
    with outages_told():
        session = await asyncpg.connect(url, timeout=10, command_timeout=30)
    try:
        with outages_told():
            await session.execute("SET ROLE onrecord_service")
        yield session
    finally:
        session.terminate()


def _events(count: int) -> tuple[NewEvent, ...]:
    return tuple(
        NewEvent(new_event_id(), "thing.happened.v1", b'{"at": "2026-03-21T00:00:00Z", "room_id": "r"}', _MOMENT,
                 "service:soak", _CAUSE, _CAUSE)
        for _ in range(count)
    )  # fmt: skip
