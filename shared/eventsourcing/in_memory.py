"""The event log in memory: for tests of what stands on it. It keeps the same contract as Postgres."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC
from uuid import UUID

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, NothingToAppendError
from shared.eventsourcing.event import NewEvent, StoredEvent


class InMemoryEventStore:
    """Streams in dictionaries."""

    def __init__(self) -> None:
        self._streams: dict[str, list[StoredEvent]] = defaultdict(list)
        self._ids: set[UUID] = set()
        self._pending: list[StoredEvent] = []
        self._log: list[StoredEvent] = []
        self._leadership = asyncio.Lock()

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if not events:
            raise NothingToAppendError(stream)
        head = len(self._streams[stream])
        if head != expected:
            raise ConcurrencyConflictError(stream, expected, head)
        self._refuse_duplicates(stream, events)
        stored = [_stored(event, stream, head + n) for n, event in enumerate(events, start=1)]
        self._streams[stream].extend(stored)
        self._pending.extend(stored)
        self._ids.update(event.id for event in events)
        return head + len(events)

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        return self._streams[stream][after:]

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        return self._log[after : after + limit]

    async def head(self) -> int:
        return len(self._log)

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[InMemoryEventStore]:
        async with self._leadership:
            yield self

    async def sequence(self, limit: int = 1000) -> int:
        batch, self._pending = self._pending[:limit], self._pending[limit:]
        for event in batch:
            placed = replace(event, global_position=len(self._log) + 1)
            self._log.append(placed)
            self._streams[event.stream][event.position - 1] = placed
        return len(batch)

    def _refuse_duplicates(self, stream: str, events: Sequence[NewEvent]) -> None:
        ids = [event.id for event in events]
        known = self._ids.intersection(ids)
        if known or len(set(ids)) < len(ids):
            raise DuplicateEventError(stream, ", ".join(map(str, known or ids)))


def _stored(event: NewEvent, stream: str, position: int) -> StoredEvent:
    fields = asdict(event) | {"occurred_at": event.occurred_at.astimezone(UTC)}
    return StoredEvent(stream=stream, position=position, global_position=None, **fields)
