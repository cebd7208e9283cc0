"""Appenders that never give up: what they are not told, they look up."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from uuid import UUID

from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, LogUnavailableError
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.store import EventStore

#: As long as a client of the product waits before it tries again.
_PAUSE_SECONDS = 0.05
_LONGEST_BATCH = 4


class Appender:
    """Appends batches to streams that it shares with others."""

    def __init__(self, store: EventStore, streams: Sequence[str], chance: Random, pace: float) -> None:
        self._store = store
        self._streams = streams
        self._chance = chance
        self._pace = pace
        self._heads: dict[str, int] = defaultdict(int)
        #: What the log has taken, batch by batch.
        self.acknowledged: list[tuple[str, list[UUID]]] = []
        #: How often it was not told what became of a batch.
        self.outages = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.append(self._chance.randint(1, _LONGEST_BATCH))
            await asyncio.sleep(self._chance.uniform(0, 2 * self._pace))

    async def append(self, count: int) -> None:
        """Append so many events to some stream, together."""
        stream, events = self._chance.choice(self._streams), [an_event() for _ in range(count)]
        while True:
            try:
                self._heads[stream] = await self._store.append(stream, self._heads[stream], events)
                break
            except LogUnavailableError:
                self.outages += 1
            except ConcurrencyConflictError as error:  # somebody else was faster, or we were, without being told
                self._require_kept(stream, error.actual)
            except DuplicateEventError:
                pass  # the same
            if await self._finds(stream, events):
                break
        self.acknowledged.append((stream, [event.id for event in events]))

    def _require_kept(self, stream: str, head: int) -> None:
        assert head >= self._heads[stream], f"{stream} has lost what it had acknowledged"

    async def _finds(self, stream: str, events: list[NewEvent]) -> bool:
        """Tell whether the events are in the log; all of them or none, or the log has broken its word."""
        new = await self._news(stream)
        self._heads[stream] += len(new)
        there = {event.id for event in new}
        found = sum(event.id in there for event in events)
        assert found in {0, len(events)}, f"{found} of {len(events)} events that belong together are in {stream}"
        return found > 0

    async def _news(self, stream: str) -> list[StoredEvent]:
        while True:
            try:
                return await self._store.read(stream, self._heads[stream])
            except LogUnavailableError:
                await asyncio.sleep(_PAUSE_SECONDS)


def an_event() -> NewEvent:
    given = ConsentGiven(at=utc_now(), room_id="room", session_id="session", participant_id="somebody")
    return encode(given, Context.begin("service:faults"))
