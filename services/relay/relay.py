"""The relay: gives committed events their global positions, publishes them in order, and keeps the watermark."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import structlog

from shared.contracts.watermark import Watermark
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import GatewayWatch, Horizons
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.store import EventStore, Sequencer
from shared.messaging.bus import Bus
from shared.messaging.errors import BusUnavailableError
from shared.messaging.message import contract_message, event_message
from shared.runtime.clock import Clock

_log = structlog.get_logger()

_BATCH = 500
#: How long an event may wait before it is looked for.
_POLL_SECONDS = 0.02
#: Media is held back until the watermark has passed it, so this is part of how long it waits in memory.
_WATERMARK_SECONDS = 0.1
#: Between attempts while the database or the broker is away.
_RETRY_SECONDS = 0.5

_ADVANCE = "UPDATE relay_checkpoint SET global_position = $1 WHERE global_position < $1"


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


class Relay:
    """Runs in one process at a time: the one that leads."""

    def __init__(self, store: EventStore, bus: Bus, pool: asyncpg.Pool, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._checkpoint = Checkpoint(pool)
        self._horizons = Horizons(pool)
        self._clock = clock
        #: The watermark's moment; it never goes back, although a new gateway's clock may be behind ours.
        self._known_until = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Lead whenever nobody else does, for ever. Faults of the database and the broker are waited out."""
        while True:
            try:
                async with self._store.lead() as sequencer:
                    _log.info("leading")
                    await self._relay(sequencer)
            except (LogUnavailableError, BusUnavailableError, asyncpg.PostgresError) as error:
                _log.warning("relay interrupted", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _relay(self, sequencer: Sequencer) -> None:
        position = await self._checkpoint.read()
        loop = asyncio.get_running_loop()
        self._watch = GatewayWatch(loop.time())
        watermark_due = loop.time()
        while True:
            if loop.time() >= watermark_due:
                position = await self._mark(sequencer, position)
                watermark_due = loop.time() + _WATERMARK_SECONDS
            else:
                position = await self._publish(sequencer, position)
            await asyncio.sleep(_POLL_SECONDS)

    async def _mark(self, sequencer: Sequencer, position: int) -> int:
        # The order matters: what was said before the horizon is in the log by now, so it is published below.
        self._known_until = max(self._known_until, await self._horizon())
        position = await self._publish(sequencer, position)
        watermark = Watermark(at=self._known_until, global_position=position)
        await self._bus.publish([contract_message(watermark, Watermark.type)])
        return position

    async def _horizon(self) -> datetime:
        # The clock is read first: a gateway that appears after the look at the table hears nothing before this.
        now = self._clock()
        oldest, dead = self._watch.look(await self._horizons.all(), asyncio.get_running_loop().time())
        for gateway in dead:
            _log.warning("gateway taken for dead", gateway=gateway)
            await self._horizons.remove(gateway)
        return oldest or now

    async def _publish(self, sequencer: Sequencer, position: int) -> int:
        """Publish all that was committed when this began; return the position of the last event."""
        # Not until nothing is left: while others append all the time, that moment never comes.
        while True:
            sequenced = await sequencer.sequence(_BATCH)
            position = await self._publish_sequenced(position)
            if sequenced < _BATCH:
                return position

    async def _publish_sequenced(self, position: int) -> int:
        while batch := await self._store.read_all(position, _BATCH):
            await self._bus.publish([event_message(stored) for stored in batch])
            position += len(batch)
            await self._checkpoint.advance(position)
        return position
