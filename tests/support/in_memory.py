"""The event log in memory: for tests of what stands on it. It keeps the same contract as Postgres."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC
from uuid import UUID

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError
from shared.eventsourcing.event import AppendRequest, NewEvent, StoredEvent, in_stream_order


class InMemoryEventStore:
    """Streams in dictionaries."""

    def __init__(self) -> None:
        self._streams: dict[str, list[StoredEvent]] = defaultdict(list)
        self._ids: set[UUID] = set()
        self._pending: list[StoredEvent] = []
        self._log: list[StoredEvent] = []
        self._leadership = asyncio.Lock()

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        request = AppendRequest(stream, expected, events)
        await self.append_together([request])
        return request.head

    async def append_together(self, requests: Sequence[AppendRequest]) -> None:
        for request in in_stream_order(requests):
            head = len(self._streams.get(request.stream, ()))
            if head != request.expected:
                raise ConcurrencyConflictError(request.stream, request.expected, head)
        self._refuse_duplicates(requests)
        for request in requests:
            self._append(request)

    def _append(self, request: AppendRequest) -> None:
        stored = [_stored(event, request, n) for n, event in enumerate(request.events, start=request.expected + 1)]
        self._streams[request.stream].extend(stored)
        self._pending.extend(stored)
        self._ids.update(event.id for event in request.events)

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        return self._streams[stream][after:] if stream in self._streams else []

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
            placed = event._replace(global_position=len(self._log) + 1)
            self._log.append(placed)
            self._streams[event.stream][event.position - 1] = placed
        return len(batch)

    def _refuse_duplicates(self, requests: Sequence[AppendRequest]) -> None:
        ids = [event.id for request in requests for event in request.events]
        known = self._ids.intersection(ids)
        if known or len(set(ids)) < len(ids):
            raise DuplicateEventError(requests[0].stream, ", ".join(map(str, known or ids)))


def _stored(event: NewEvent, request: AppendRequest, position: int) -> StoredEvent:
    fields = asdict(event) | {"occurred_at": event.occurred_at.astimezone(UTC)}
    return StoredEvent(stream=request.stream, position=position, global_position=None, **fields)
