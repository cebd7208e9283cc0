"""Reading the log, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore

PAGE = 1000

#: Is told how far reading has come: the global position, and the one it goes to.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the log: a global position, or all that took effect up to a moment. Neither: its head."""

    position: int | None = None
    moment: datetime | None = None

    def covers(self, stored: StoredEvent) -> bool:
        if self.position is not None and _place(stored) > self.position:
            return False
        return self.moment is None or stored.occurred_at <= self.moment

    def covered(self, page: list[StoredEvent]) -> list[StoredEvent]:
        """Return those of the events that it covers."""
        if self.position is None and self.moment is None:
            return page
        return [stored for stored in page if self.covers(stored)]


def silent(position: int, last: int) -> None:
    """Progress that nobody watches."""


async def pages(store: EventStore, last: int, progress: Progress = silent) -> AsyncIterator[list[StoredEvent]]:
    """Yield the log's events in order, in pages, up to global position `last`."""
    position = 0
    while position < last and (page := await store.read_all(position, min(PAGE, last - position))):
        yield page
        position = _place(page[-1])
        progress(position, last)


async def streams(store: EventStore, names: set[str], last: int) -> AsyncIterator[list[StoredEvent]]:
    """Yield the events of these streams, stream by stream, up to global position `last`."""
    for name in sorted(names):
        yield [stored for stored in await store.read(name) if 0 < _place(stored) <= last]


def needle(identifier: str) -> bytes:
    """Return what to look for in payloads."""
    return f'"{identifier}"'.encode()


def mentions(payload: bytes, needle: bytes) -> bool:
    """Tell whether a payload may hold the identifier, without decoding it.

    Identifiers are letters, digits and signs that JSON writes as they are, unless somebody wrote them with a backslash.
    """
    return needle in payload or b"\\" in payload


def _place(stored: StoredEvent) -> int:
    """Return the global position; 0 for an event that has none yet, and so is not in the log's order."""
    return stored.global_position or 0
