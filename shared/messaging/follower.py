"""Following the log live: every event once, in order, whatever the bus does.

The bus is the quick way and the log the truth: global positions have no holes, so a follower sees what it missed and
reads it from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from shared.contracts.message import Event
from shared.contracts.watermark import Watermark
from shared.eventsourcing.codec import decode
from shared.eventsourcing.errors import (
    EventSourcingError,
    LogIncompleteError,
    MalformedEventError,
    UnknownEventTypeError,
)
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from shared.messaging.message import Message, stored_event

_log = structlog.get_logger()

_PAGE = 1000


class Follower:
    """Feeds each `apply` every event of the log once, in order. None may fail: what happened cannot be refused.

    An event that cannot be read stops it for good: to skip one would be to know something else than the log.
    """

    def __init__(self, store: EventStore, *applies: Callable[[Event, StoredEvent], None]) -> None:
        """Feed the first of `applies` first."""
        self._store = store
        self._applies = applies
        self._turn = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._fault: EventSourcingError | None = None
        #: Global position of the last event that was applied.
        self.position = 0

    async def hear(self, message: Message) -> Watermark | None:
        """Take a message of the events exchange: an event, or the watermark.

        Return a watermark once every event before it is applied: not earlier may anybody rely on it.
        """
        try:
            return None if self._fault else await self._hear(message)
        except (UnknownEventTypeError, MalformedEventError, LogIncompleteError) as error:
            _log.error("follower stopped", position=self.position, error=str(error))
            self._fault = error
            self._stopped.set()
            return None

    async def until_stopped(self) -> None:
        """Wait until there is an event that cannot be read, and raise why."""
        await self._stopped.wait()
        if self._fault:
            raise self._fault

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

    async def _hear(self, message: Message) -> Watermark | None:
        if message.type != Watermark.type:
            await self.receive(stored_event(message))
            return None
        watermark = Watermark.model_validate_json(message.payload)
        await self.catch_up(watermark.global_position)
        return watermark

    def _advance(self, stored: StoredEvent) -> None:
        event = decode(stored)
        for apply in self._applies:
            apply(event, stored)
        self.position += 1
