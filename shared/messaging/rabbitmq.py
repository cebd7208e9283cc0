"""The bus on RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import aio_pika
import structlog
from aio_pika.abc import (
    AbstractChannel,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
    AbstractRobustConnection,
)
from aiormq.exceptions import AMQPError
from pamqp.common import FieldValue

from shared.messaging.bus import Answerer, Handler
from shared.messaging.draining import draining
from shared.messaging.errors import BusUnavailableError, MalformedMessageError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.topology import COMMANDS, DEAD_LETTERS, EVENTS, SHARED_QUEUES, Queue

_log = structlog.get_logger()

_CONNECT_SECONDS = 10
_CONFIRM_SECONDS = 10
#: Before a message that failed comes again, so that a passing fault may pass.
_RETRY_SECONDS = 0.2
#: How long running handlers may take to end when the bus closes.
_CLOSE_SECONDS = 10

_Consumer = Callable[[AbstractIncomingMessage], Awaitable[None]]


class RabbitMqBus:
    """One connection, a channel for publishing and one for each consumer."""

    def __init__(self, connection: AbstractRobustConnection) -> None:
        self._connection = connection
        self._answers: dict[str, asyncio.Future[Message]] = {}

    @classmethod
    async def connect(cls, url: str) -> RabbitMqBus:
        """Connect and declare the topology. Raises BusUnavailableError."""
        try:
            connection = await aio_pika.connect_robust(url, timeout=_CONNECT_SECONDS)
            bus = cls(connection)
            await bus._open()
        except (AMQPError, OSError, TimeoutError, ValueError) as error:
            raise BusUnavailableError(str(error) or type(error).__name__) from error
        return bus

    async def publish(self, messages: Sequence[Message]) -> None:
        # The channel hands them to the socket in the order in which they were started; the confirms come as they like.
        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(self._send(self._events, message.type, _amqp(message)))

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue(queue.prefetch)

        async def settle(incoming: AbstractIncomingMessage) -> None:
            await self._settle(queue, incoming, handler)

        async with draining(inbox, settle), self._consuming(queue, inbox.put):
            yield

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[str(command.id)] = answered
        try:
            async with asyncio.timeout(within):
                await self._send(self._commands, owner, _amqp(command, reply_to=self._reply_queue.name))
                return await answered
        except TimeoutError:
            raise NoAnswerError(owner, command.type, within) from None
        finally:
            del self._answers[str(command.id)]

    @asynccontextmanager
    async def answer(self, queue: Queue, answerer: Answerer) -> AsyncIterator[None]:
        running: set[asyncio.Task[None]] = set()

        async def start(incoming: AbstractIncomingMessage) -> None:
            task = asyncio.create_task(self._settle(queue, incoming, self._replying(incoming, answerer)))
            running.add(task)
            task.add_done_callback(running.discard)

        async with self._consuming(queue, start):
            yield
            if running:
                await asyncio.wait(running, timeout=_CLOSE_SECONDS)

    async def close(self) -> None:
        await self._connection.close()

    async def _open(self) -> None:
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=False)
        self._events = await channel.declare_exchange(EVENTS, aio_pika.ExchangeType.TOPIC, durable=True)
        self._commands = await channel.declare_exchange(COMMANDS, aio_pika.ExchangeType.DIRECT, durable=True)
        self._replies = channel.default_exchange
        await self._declare_dead_letters(channel)
        for queue in SHARED_QUEUES:
            await self._declare(channel, queue)
        self._reply_queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await self._reply_queue.consume(self._take_answer, no_ack=True)

    async def _declare_dead_letters(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange(DEAD_LETTERS, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(DEAD_LETTERS, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(exchange, "#")

    async def _declare(self, channel: AbstractChannel, queue: Queue) -> AbstractQueue:
        declared = await channel.declare_queue(
            queue.name, durable=queue.shared, exclusive=not queue.shared, arguments=_arguments(queue)
        )
        for key in queue.bindings:
            await declared.bind(queue.exchange, key)
        return declared

    @asynccontextmanager
    async def _consuming(self, queue: Queue, take: _Consumer) -> AsyncIterator[None]:
        channel = await self._connection.channel()
        try:
            await channel.set_qos(prefetch_count=queue.prefetch)
            declared = await self._declare(channel, queue)
            tag = await declared.consume(take)
            yield
            await declared.cancel(tag, timeout=_CLOSE_SECONDS)
        finally:
            # What was delivered and not settled goes back to the broker with the channel.
            await channel.close()

    async def _settle(self, queue: Queue, incoming: AbstractIncomingMessage, handler: Handler) -> None:
        try:
            await self._judge(queue, incoming, handler)
        except (AMQPError, OSError, RuntimeError) as error:
            # The connection is gone, and with it the delivery: the broker will hand the message out again.
            _log.warning("message not settled", queue=queue.name, type=incoming.type, error=str(error))

    async def _judge(self, queue: Queue, incoming: AbstractIncomingMessage, handler: Handler) -> None:
        try:
            await handler(_message(incoming))
        except MalformedMessageError as error:
            _log.warning("message refused", queue=queue.name, type=incoming.type, error=str(error))
            await incoming.reject(requeue=False)
        except Exception:  # noqa: BLE001  whatever it is, it must not end the consumer
            _log.exception("handler failed", queue=queue.name, type=incoming.type)
            await asyncio.sleep(_RETRY_SECONDS)
            await incoming.reject(requeue=True)
        else:
            await incoming.ack()

    def _replying(self, incoming: AbstractIncomingMessage, answerer: Answerer) -> Handler:
        async def answer(command: Message) -> None:
            reply = await answerer(command)
            if incoming.reply_to:
                await self._send(self._replies, incoming.reply_to, _amqp(reply, answers=incoming.message_id))

        return answer

    async def _take_answer(self, incoming: AbstractIncomingMessage) -> None:
        answered = self._answers.get(incoming.correlation_id or "")
        if answered and not answered.done():
            answered.set_result(_message(incoming))

    async def _send(self, exchange: AbstractExchange, key: str, message: aio_pika.Message) -> None:
        try:
            await exchange.publish(message, key, timeout=_CONFIRM_SECONDS, mandatory=False)
        except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
            raise BusUnavailableError(str(error) or type(error).__name__) from error


def _arguments(queue: Queue) -> dict[str, FieldValue]:
    if not queue.shared:
        return {}
    arguments: dict[str, FieldValue] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": queue.attempts - 1,
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-routing-key": queue.name,
    }
    if queue.ordered:
        arguments["x-single-active-consumer"] = True
    return arguments


def _amqp(message: Message, *, reply_to: str | None = None, answers: str | None = None) -> aio_pika.Message:
    return aio_pika.Message(
        message.payload,
        type=message.type,
        message_id=str(message.id),
        headers=dict(message.headers),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        reply_to=reply_to,
        correlation_id=answers,
    )


def _message(incoming: AbstractIncomingMessage) -> Message:
    headers = {name: str(value) for name, value in incoming.headers.items()}
    try:
        return Message(incoming.type or "", incoming.body, UUID(incoming.message_id or ""), headers)
    except ValueError as error:
        raise MalformedMessageError(incoming.type or "", "no message id") from error
