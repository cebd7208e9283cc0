"""A subscription to a queue of RabbitMQ: from the consumer through the lanes to the handler, and back to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.messaging.amqp import Letter, buried
from shared.messaging.attempts import Outcome, attempted
from shared.messaging.consuming import Consuming
from shared.messaging.dead_letter import DeadLetter
from shared.messaging.declaring import ANSWER_SECONDS, declare_queue
from shared.messaging.errors import BusUnavailableError
from shared.messaging.faults import FAULTS, told, uncancelled, with_patience
from shared.messaging.lanes import Lanes, lane
from shared.messaging.link import Link
from shared.messaging.publishing import Publisher
from shared.messaging.topology import DEAD_LETTERS, Queue

_log = structlog.get_logger()

#: Within which a queue of dead letters that was deleted is declared again: what went there by itself would be lost.
_TOPOLOGY_SECONDS = 2

Handle = Callable[[AbstractIncomingMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Delivery:
    incoming: AbstractIncomingMessage
    #: Set when the consumer is lost or ends.
    over: asyncio.Event


class Subscription:
    """Hands a queue's messages to `handle`, and tells the broker what became of them."""

    def __init__(self, link: Link, publisher: Publisher, queue: Queue, handle: Handle) -> None:
        self._queue = queue
        self._publisher = publisher
        self._handle = handle
        self._lanes: Lanes[_Delivery] = Lanes(self._settle, queue.prefetch)
        one_way = len(queue.bindings) == 1
        self._consuming = Consuming(
            link, queue.name, self._declare, self._take, self._lanes.forget, queue.prefetch, one_way=one_way
        )

    async def begin(self) -> None:
        """Consume from now on. Raises one of FAULTS."""
        await self._consuming.begin()

    async def end(self) -> None:
        """Begin nothing further, and let what is being handled come to its end, for a limited time.

        The others get at once what came too late. What waits for something that is being handled, they get afterwards,
        when the channel ends: not before, and in order.
        """
        self._lanes.close()
        await self._consuming.stop()
        for delivery in self._lanes.surrender():
            await with_patience(delivery.incoming.reject(requeue=True))
        self._lanes.forget()
        await self._lanes.end()
        await self._consuming.close()

    async def _declare(self, channel: AbstractChannel, _: str | None) -> AbstractQueue:
        return await declare_queue(channel, self._queue)

    def _take(self, incoming: AbstractIncomingMessage, over: asyncio.Event) -> None:
        self._lanes.put(lane(self._queue.order, incoming.headers), _Delivery(incoming, over))

    async def _settle(self, delivery: _Delivery) -> None:
        incoming, over = delivery.incoming, delivery.over
        if over.is_set():
            return
        outcome = await attempted(self._queue, incoming.type or "", lambda: self._handle(incoming), over)
        try:
            with uncancelled():
                if isinstance(outcome, DeadLetter):
                    await self._bury(incoming, outcome)
                elif outcome is Outcome.HANDLED:
                    await _in_time(incoming.ack())
                else:  # before those that wait for it
                    await _in_time(incoming.reject(requeue=True))
        except FAULTS as error:
            _log.warning("message not settled", queue=self._queue.name, type=incoming.type, error=told(error))

    async def _bury(self, incoming: AbstractIncomingMessage, letter: DeadLetter) -> None:
        """Park the message with the reason. A fault between the two steps parks it twice, and never loses it."""
        letter.count()
        try:
            await self._park(buried(incoming, letter))
        except BusUnavailableError as error:
            _log.warning("dead letter parked without its reason", queue=letter.queue, error=str(error))
            await _in_time(incoming.reject(requeue=False))
        else:
            await _in_time(incoming.ack())

    async def _park(self, letter: Letter) -> None:
        try:
            await self._publisher.publish(DEAD_LETTERS, [letter], mandatory=True)
        except BusUnavailableError:
            await asyncio.sleep(_TOPOLOGY_SECONDS)
            await self._publisher.publish(DEAD_LETTERS, [letter], mandatory=True)


async def _in_time(settling: Awaitable[None]) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        await settling
