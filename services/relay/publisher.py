"""The publisher: the log on the bus, in its order, and after all that was said up to a moment that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import structlog
from prometheus_client import Gauge

from shared.contracts.watermark import Watermark
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.store import EventStore
from shared.messaging.bus import Bus
from shared.messaging.errors import BusUnavailableError
from shared.messaging.message import contract_message, event_message

_log = structlog.get_logger()

_BATCH = 500
#: Between attempts while the broker is away.
_RETRY_SECONDS = 0.5

_ADVANCE = "UPDATE relay_checkpoint SET global_position = $1 WHERE global_position < $1"

_PUBLISHED = Gauge("onrecord_relay_published_position", "Global position up to which the log has been published")


class Checkpoint:
    """Up to which global position the log has been published. It never goes back."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self) -> int:
        with outages_told():
            position: int = await self._pool.fetchval("SELECT global_position FROM relay_checkpoint")
        return position

    async def advance(self, position: int) -> None:
        with outages_told():
            await self._pool.execute(_ADVANCE, position)
        _PUBLISHED.set(position)


class Publisher:
    """Publishes for the leader. It has a pace of its own, so that a broker that is away holds up nobody's position."""

    def __init__(self, store: EventStore, bus: Bus, pool: asyncpg.Pool) -> None:
        self._store = store
        self._bus = bus
        self._checkpoint = Checkpoint(pool)
        self._sequenced = asyncio.Event()
        self._head = 0
        self._known_until: datetime | None = None

    def go_on(self, head: int, known_until: datetime | None) -> None:
        """Take it that the log is sequenced up to `head`, and with it all that was said up to `known_until`."""
        self._head = head
        self._known_until = known_until or self._known_until
        self._sequenced.set()

    async def run(self) -> None:
        """Publish what is sequenced, for ever. Outages of the broker are waited out; raises LogUnavailableError."""
        position = await self._checkpoint.read()
        while True:
            await self._sequenced.wait()
            self._sequenced.clear()
            head, known_until, self._known_until = self._head, self._known_until, None
            while position < head:
                position = await self._publish_batch(position)
            if known_until:
                await self._publish_watermark(known_until, position)

    async def _publish_batch(self, position: int) -> int:
        """Publish the events after `position`; return the position of the last one that the broker has."""
        batch = await self._store.read_all(position, _BATCH)
        published = await self._publish_events(batch)
        if published:
            await self._checkpoint.advance(position + published)
        if published < len(batch):
            await asyncio.sleep(_RETRY_SECONDS)
        return position + published

    async def _publish_events(self, batch: Sequence[StoredEvent]) -> int:
        """Return how many of them, from the first on, the broker has."""
        try:
            await self._bus.publish([event_message(stored) for stored in batch])
        except BusUnavailableError as error:
            _log.warning("publishing interrupted", error=str(error))
            return error.confirmed
        return len(batch)

    async def _publish_watermark(self, known_until: datetime, position: int) -> None:
        try:
            watermark = Watermark(at=known_until, global_position=position)
            await self._bus.publish([contract_message(watermark, Watermark.type)])
        except BusUnavailableError as error:
            _log.warning("watermark not published", error=str(error))  # the next one says more
