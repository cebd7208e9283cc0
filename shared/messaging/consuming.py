"""Consuming a queue of RabbitMQ for as long as one wants, whatever ends it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aio_pika import IncomingMessage
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.abc import DeliveredMessage
from prometheus_client import Counter

from shared.messaging.declaring import ANSWER_SECONDS
from shared.messaging.faults import ended, told, uncancelled, with_patience
from shared.messaging.link import Link, driver

_log = structlog.get_logger()

#: Between looks at a consumer, all of a process at the same moments: to be woken costs more than to ask. One that is
#: lost is to be back within about two seconds.
_LOOK_SECONDS = 0.75
#: How often the broker has to say that nobody consumes: while a queue has no leader, it says so of any.
_DENIALS = 2
#: Before the next attempt to consume.
_RETRY_SECONDS = 0.2

_RESTORED = Counter("onrecord_consumers_restored", "Consumers that were lost and are back", ["queue"])

#: Declares the queue, or sees to it that the one that was declared, which has this name, is as it should be.
Declare = Callable[[AbstractChannel, str | None], Awaitable[AbstractQueue]]
#: Takes a message at once. The event is set when its consumer is lost or ends: the broker hands the message out again.
Take = Callable[[AbstractIncomingMessage, asyncio.Event], None]


@dataclass(frozen=True, slots=True)
class _Consumer:
    """One consumer, from its beginning until it is lost. It never comes back: another one follows it."""

    channel: AbstractChannel
    queue: AbstractQueue
    tag: str
    over: asyncio.Event

    async def is_ours(self) -> bool:
        return self.tag in (await driver(self.channel)).consumers


class Consuming:
    """Has always one consumer of a queue, and never two: the next begins when the one before has ended for certain."""

    def __init__(
        self,
        link: Link,
        name: str,
        declare: Declare,
        take: Take,
        lost: Callable[[], object],
        prefetch: int | None,
        *,
        one_way: bool,
    ) -> None:
        """Tell `lost` whenever a consumer is. Without a prefetch, messages are settled by being sent.

        What comes `one_way` is all bound, or sent, in the same way: one message shows that every other can come.
        """
        self._link = link
        self._name = name
        self._declare = declare
        self._take = take
        self._lost = lost
        self._prefetch = prefetch
        self._one_way = one_way
        #: Whether a message came since the last look.
        self._heard = False
        self._consumer: _Consumer | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def queue(self) -> str | None:
        """The queue's name as the broker gave it, while it is consumed."""
        consumer = self._consumer
        return None if consumer is None or consumer.over.is_set() or consumer.channel.is_closed else consumer.queue.name

    async def begin(self) -> None:
        """Consume from now on. Raises one of FAULTS; those that come later are waited out."""
        self._consumer = await self._consume()
        self._keeping = asyncio.create_task(self._keep(self._consumer))

    async def stop(self) -> None:
        """Keep no longer. What comes now is for others."""
        if self._keeping:
            await ended(self._keeping)
        if self._consumer:
            # First: a message that is given back to a consumer which is still there comes again, behind its followers.
            try:
                await with_patience(self._consumer.queue.cancel(self._consumer.tag))
            finally:
                self._consumer.over.set()

    async def close(self) -> None:
        """Give back what was not settled."""
        if self._consumer:
            await self._link.discard(self._consumer.channel)

    async def _keep(self, consumer: _Consumer) -> None:
        while True:
            reason = await self._loss(consumer)
            _log.warning("consumer lost", queue=self._name, reason=reason)
            consumer.over.set()
            self._lost()
            await self._link.discard(consumer.channel)
            self._consumer = consumer = await self._consume_again()
            _RESTORED.labels(self._name).inc()
            _log.warning("consumer restored", queue=self._name)

    async def _loss(self, consumer: _Consumer) -> str:
        """Return why, as soon as the consumer is lost."""
        denials = 0
        while denials < _DENIALS:
            try:
                with uncancelled():
                    if await _closes_within(consumer.channel, _until_next_look()):
                        return "its channel was closed"
                    if not await consumer.is_ours():
                        return "it was cancelled"
                    denials = 0 if self._was_heard() or await self._is_known(consumer) else denials + 1
            except Exception as error:  # noqa: BLE001  whatever it was, this loop must not end
                return told(error)
        return "the broker does not know it"

    def _was_heard(self) -> bool:
        """Tell whether a message came since the last look that shows as much as the broker's answer would."""
        heard, self._heard = self._heard, False
        return heard and self._one_way

    async def _is_known(self, consumer: _Consumer) -> bool:
        """Ask the broker whether anybody consumes the queue, of which the bindings may have gone unnoticed."""
        found = await self._declare(consumer.channel, consumer.queue.name)
        return bool(found.declaration_result.consumer_count)

    async def _consume_again(self) -> _Consumer:
        told_last = ""
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            try:
                with uncancelled():
                    return await self._consume()
            except Exception as error:  # noqa: BLE001  the same
                if told(error) != told_last:
                    told_last = told(error)
                    _log.warning("consumer not restored yet", queue=self._name, error=told_last)

    async def _consume(self) -> _Consumer:
        channel = await self._link.channel()
        try:
            return await self._consume_on(channel)
        except BaseException:
            await self._link.discard(channel)
            raise

    async def _consume_on(self, channel: AbstractChannel) -> _Consumer:
        over = asyncio.Event()
        no_ack = self._prefetch is None

        async def take(message: DeliveredMessage) -> None:
            self._heard = True
            self._take(IncomingMessage(message, no_ack=no_ack), over)

        queue = await self._declare(channel, None)
        below = await driver(channel)
        if self._prefetch is not None:
            await below.basic_qos(prefetch_count=self._prefetch, timeout=ANSWER_SECONDS)
        begun = await below.basic_consume(queue.name, take, no_ack=no_ack, timeout=ANSWER_SECONDS)
        return _Consumer(channel, queue, begun.consumer_tag or "", over)


def _until_next_look() -> float:
    return _LOOK_SECONDS - asyncio.get_running_loop().time() % _LOOK_SECONDS


async def _closes_within(channel: AbstractChannel, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await channel.closed()
    except TimeoutError:
        return channel.is_closed
    return True
