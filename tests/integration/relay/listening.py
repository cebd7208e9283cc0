"""Running relays, and hearing what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import asyncpg

from services.relay.relay import Relay
from shared.concurrency.clock import utc_now
from shared.contracts.watermark import Watermark
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from shared.messaging.bus import Bus
from shared.messaging.message import Message, stored_event
from shared.messaging.topology import live_queue


class Listener:
    """Hears everything on a live queue, in order."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.watermarks: list[Watermark] = []
        #: With each watermark: its position, and the highest of the events heard until then.
        self.reached: list[tuple[int, int]] = []
        self.heard_at: list[float] = []

    @property
    def positions(self) -> list[int]:
        return [event.global_position or 0 for event in self.events]

    @property
    def moments(self) -> list[datetime]:
        return [watermark.at for watermark in self.watermarks]

    async def hear(self, message: Message) -> None:
        if message.type != Watermark.type:
            self.events.append(stored_event(message))
            return
        watermark = Watermark.model_validate_json(message.payload)
        self.watermarks.append(watermark)
        self.reached.append((watermark.global_position, max(self.positions, default=0)))
        self.heard_at.append(asyncio.get_running_loop().time())

    def listening(self, bus: Bus) -> AbstractAsyncContextManager[None]:
        return bus.subscribe(live_queue("listener", "one"), self.hear)


@asynccontextmanager
async def relaying(
    database: asyncpg.Pool, bus: Bus, clock: Callable[[], datetime] = utc_now, store: EventStore | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a relay until the end of the context, or until its task is cancelled."""
    relay = Relay(store or PostgresEventStore(database), bus, database, clock)
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        await kill(task)


async def kill(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
