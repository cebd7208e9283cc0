"""The bus on RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.messaging.amqp import from_amqp, to_amqp
from shared.messaging.bus import Answerer, Handler
from shared.messaging.consuming import Consuming
from shared.messaging.declaring import ANSWER_SECONDS
from shared.messaging.errors import BusUnavailableError, MalformedMessageError, NoAnswerError
from shared.messaging.faults import translated
from shared.messaging.link import Link
from shared.messaging.message import Message
from shared.messaging.publishing import Publisher
from shared.messaging.subscription import Handle, Subscription
from shared.messaging.topology import COMMANDS, EVENTS, Queue

_DEFAULT_EXCHANGE = ""


class RabbitMqBus:
    """One connection; on it a channel for events, one for commands, answers and dead letters, one for each consumer."""

    def __init__(self, url: str) -> None:
        self._link = Link(url)
        self._events = Publisher(self._link)
        self._letters = Publisher(self._link)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._replies = Consuming(
            self._link, "replies", _declare_replies, self._take_answer, lost=lambda: None, prefetch=None, one_way=True
        )

    @classmethod
    async def connect(cls, url: str) -> RabbitMqBus:
        """Connect and declare the topology. Raises BusUnavailableError."""
        with translated():
            bus = cls(url)
            await bus._link.open()
            try:
                await bus._replies.begin()
            except BaseException:
                await bus._link.close()
                raise
        return bus

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._events.publish(EVENTS, [to_amqp(message.type, message) for message in messages])

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        async def handle(incoming: AbstractIncomingMessage) -> None:
            await handler(from_amqp(incoming))

        async with self._subscribed(queue, handle):
            yield

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        replies = self._replies.queue
        if replies is None:
            raise BusUnavailableError("the queue for answers is gone for a moment")
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        question = uuid4().hex
        self._answers[question] = answered
        try:
            async with asyncio.timeout(within):
                await self._letters.publish(COMMANDS, [to_amqp(owner, command, question, reply_to=replies)])
                return await answered
        except TimeoutError:
            raise NoAnswerError(owner, command.type, within) from None
        finally:
            del self._answers[question]

    @asynccontextmanager
    async def answer(self, queue: Queue, answerer: Answerer) -> AsyncIterator[None]:
        async def handle(incoming: AbstractIncomingMessage) -> None:
            reply = await answerer(from_amqp(incoming))
            if incoming.reply_to:
                letter = to_amqp(incoming.reply_to, reply, incoming.correlation_id)
                await self._letters.publish(_DEFAULT_EXCHANGE, [letter])

        async with self._subscribed(queue, handle):
            yield

    async def close(self) -> None:
        await self._replies.stop()
        await self._link.close()

    @asynccontextmanager
    async def _subscribed(self, queue: Queue, handle: Handle) -> AsyncIterator[None]:
        subscription = Subscription(self._link, self._letters, queue, handle)
        with translated():
            await subscription.begin()
        try:
            yield
        finally:
            await subscription.end()

    def _take_answer(self, incoming: AbstractIncomingMessage, over: asyncio.Event) -> None:  # noqa: ARG002
        answered = self._answers.get(incoming.correlation_id or "")
        if answered and not answered.done():
            try:
                answered.set_result(from_amqp(incoming))
            except MalformedMessageError as error:
                answered.set_exception(error)


async def _declare_replies(channel: AbstractChannel, name: str | None) -> AbstractQueue:
    # The broker gives it its name. A queue that was, and now is not, is not declared by that name again.
    return await channel.declare_queue(
        name, exclusive=True, auto_delete=True, passive=name is not None, timeout=ANSWER_SECONDS
    )
