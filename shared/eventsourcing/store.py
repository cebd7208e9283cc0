"""The event log's port. Its laws are `tests/contract/event_store.py`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.eventsourcing.event import AppendRequest, NewEvent, StoredEvent


class Sequencer(Protocol):
    """The one who gives committed events their global positions, gapless, in an order that keeps every stream's."""

    async def sequence(self, limit: int = 1000) -> int:
        """Give positions to at most `limit` events that wait for one; return how many there were."""
        ...


class EventStore(Protocol):
    """An append-only log of many streams. Each method raises LogUnavailableError when it is out of reach."""

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        """Append after position `expected` (0: a new stream), all or nothing; return the stream's new head.

        Raises ConcurrencyConflictError when the head is elsewhere, DuplicateEventError when an id is stored already,
        NothingToAppendError when there are no events.
        """
        ...

    async def append_together(self, requests: Sequence[AppendRequest]) -> None:
        """Append to several streams, each named once, all or nothing. Raises what `append` does."""
        ...

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        """Return the stream's events with a position above `after`, in order, sequenced or not.

        Raises LogIncompleteError when the log no longer holds the first of them.
        """
        ...

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Return the log's events with a global position above `after`, in order. Raises LogIncompleteError."""
        ...

    async def head(self) -> int:
        """Return the log's last global position; 0 while it is empty."""
        ...

    def lead(self) -> AbstractAsyncContextManager[Sequencer]:
        """Wait until nobody else is the sequencer, and be it."""
        ...
