"""Those who listen: one that follows the log as a gateway does, and one with a durable queue."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from shared.contracts.message import Event
from shared.contracts.watermark import Watermark
from shared.eventsourcing.event import StoredEvent
from shared.messaging.follower import Follower
from shared.messaging.message import Message, stored_event
from shared.messaging.topology import EVENTS, Queue, live_queue
from shared.runtime.infrastructure import Infrastructure

LIVE = live_queue("faults", "one")
DURABLE = Queue("faults.events", EVENTS, ("consent.#",))


class Following:
    """Applies every event of the log once, in order, whatever the bus does."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self._bus = infrastructure.bus
        self._follower = Follower(infrastructure.store, self._apply)
        self.applied: list[StoredEvent] = []
        #: The global positions that came by the bus.
        self.heard: list[int] = []

    def listening(self) -> AbstractAsyncContextManager[None]:
        return self._bus.subscribe(LIVE, self._receive)

    async def _receive(self, message: Message) -> None:
        if message.type != Watermark.type:
            self.heard.append(stored_event(message).global_position or 0)
        await self._follower.hear(message)

    def _apply(self, event: Event, stored: StoredEvent) -> None:
        self.applied.append(stored)


class Subscriber:
    """Takes down what comes by a durable queue, each event when it comes first."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self._bus = infrastructure.bus
        self.heard: dict[int, StoredEvent] = {}

    def listening(self) -> AbstractAsyncContextManager[None]:
        return self._bus.subscribe(DURABLE, self._receive)

    async def _receive(self, message: Message) -> None:
        event = stored_event(message)
        self.heard.setdefault(event.global_position or 0, event)
