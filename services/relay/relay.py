"""The relay: gives committed events their global positions, has them published in order, and keeps the watermark."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import inf

import asyncpg
import structlog
from prometheus_client import Gauge

from services.relay.publisher import Publisher
from shared.concurrency.clock import Clock
from shared.concurrency.supervision import supervised
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import GatewayWatch, Horizons
from shared.eventsourcing.store import EventStore, Sequencer
from shared.messaging.bus import Bus

_log = structlog.get_logger()

_BATCH = 1000
#: How long an event may wait before it is looked for.
_POLL_SECONDS = 0.01
#: Media is held back until the watermark has passed it, so this is part of how long it waits in memory. Each watermark
#: wakes every service and moves all media on, which costs them the same however often it comes.
_WATERMARK_SECONDS = 0.2
#: The same while things are said: whether media goes on or turns black is to show soon.
_BRISK_SECONDS = 0.1
#: For how long after something was said that may be of what comes next.
_LATELY_SECONDS = 1.0
#: Between attempts while the database is away.
_RETRY_SECONDS = 0.5

_LEADING = Gauge("onrecord_relay_leading", "1 where the relay leads, 0 where it stands by")
_SEQUENCED = Gauge("onrecord_relay_sequenced_position", "Global position up to which the log is sequenced")


class Relay:
    """Runs in one process at a time: the one that leads."""

    def __init__(self, store: EventStore, bus: Bus, pool: asyncpg.Pool, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._pool = pool
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
                    await self._lead(sequencer)
            except* (LogUnavailableError, asyncpg.PostgresError) as outages:  # sequencing and publishing may both fail
                _log.warning("relay interrupted", error=str(outages.exceptions[0]))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _lead(self, sequencer: Sequencer) -> None:
        publisher = Publisher(self._store, self._bus, self._pool)
        _LEADING.set(1)
        try:
            async with supervised(publisher.run()):
                await self._keep_sequencing(sequencer, publisher)
        finally:
            _LEADING.set(0)

    async def _keep_sequencing(self, sequencer: Sequencer, publisher: Publisher) -> None:
        loop = asyncio.get_running_loop()
        head = await self._store.head()
        self._watch = GatewayWatch(loop.time())
        told_at = said_at = -inf
        while True:
            known_until = None
            was_lately_said = loop.time() - said_at < _LATELY_SECONDS
            if loop.time() - told_at >= (_BRISK_SECONDS if was_lately_said else _WATERMARK_SECONDS):
                told_at = loop.time()
                known_until = self._known_until = max(self._known_until, await self._horizon())
            # After the look at the horizons: what was said before them is in the log by now.
            sequenced = await _sequence(sequencer)
            if sequenced:
                said_at = loop.time()
            if sequenced or known_until:
                head += sequenced
                _SEQUENCED.set(head)
                publisher.go_on(head, known_until)
            await asyncio.sleep(_POLL_SECONDS)

    async def _horizon(self) -> datetime:
        # The clock is read first: a gateway that appears after the look at the table hears nothing before this.
        now = self._clock()
        look = self._watch.look(await self._horizons.all(), asyncio.get_running_loop().time())
        for each in look.silent:
            # It counts until a later look finds that it could not renew any more.
            _log.warning("gateway taken for dead", gateway=each.gateway)
            await self._horizons.lose(each)
        for gateway in look.forgotten:
            _log.warning("gateway forgotten", gateway=gateway)
            await self._horizons.remove(gateway)
        return look.known_until or now


async def _sequence(sequencer: Sequencer) -> int:
    """Give positions to all that was committed when this began; return how many there were."""
    # Not until nothing is left: while others append all the time, that moment never comes.
    sequenced = 0
    while True:
        batch = await sequencer.sequence(_BATCH)
        sequenced += batch
        if batch < _BATCH:
            return sequenced
