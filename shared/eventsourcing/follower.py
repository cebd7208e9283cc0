"""Following the log live: every event once, in order, whatever the bus does.

The bus is the quick way and the log the truth: global positions have no holes, so a follower sees what it missed and
reads it from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.contracts.message import Event
from shared.eventsourcing.codec import decode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore

_PAGE = 1000


class Follower:
    """Feeds `apply` every event of the log once, in order. `apply` must not fail: what happened cannot be refused."""

    def __init__(self, store: EventStore, apply: Callable[[Event, StoredEvent], None]) -> None:
        self._store = store
        self._apply = apply
        self._turn = asyncio.Lock()
        #: Global position of the last event that was applied.
        self.position = 0

    async def catch_up(self, target: int | None = None) -> None:
        """Apply what the log holds and we have not seen, at least up to global position `target`."""
        async with self._turn:
            while target is None or self.position < target:
                page = await self._store.read_all(self.position, _PAGE)
                for stored in page:
                    self._advance(stored)
                if len(page) < _PAGE:
                    return

    async def receive(self, stored: StoredEvent) -> None:
        """Take an event from the bus: apply it if it is next, drop it if it is old, read the log if one is missing."""
        position = stored.global_position or 0
        if position > self.position + 1:
            await self.catch_up(position)
        async with self._turn:
            if position == self.position + 1:
                self._advance(stored)

    def _advance(self, stored: StoredEvent) -> None:
        self._apply(decode(stored), stored)
        self.position += 1
