"""The bus on RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from shared.messaging.amqp import from_amqp, queue_arguments, to_amqp
from shared.messaging.attempts import Outcome, attempted
from shared.messaging.bus import Answerer, Handler
from shared.messaging.draining import draining
from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.topology import COMMANDS, DEAD_LETTERS, EVENTS, SHARED_QUEUES, Queue

_log = structlog.get_logger()

_CONNECT_SECONDS = 10
_RECONNECT_SECONDS = 0.5
_CONFIRM_SECONDS = 10
_CLOSE_SECONDS = 5

#: What aio-pika raises when the broker, the connection or the channel is gone, or the address makes no sense.
_FAULTS = (AMQPError, OSError, TimeoutError, RuntimeError, ValueError, KeyError)

_DEFAULT_EXCHANGE = ""

_Handle = Callable[[AbstractIncomingMessage], Awaitable[None]]


class RabbitMqBus:
    """One connection, a channel for publishing and one for each consumer."""

    def __init__(self, connection: AbstractRobustConnection) -> None:
        self._connection = connection
        self._answers: dict[str, asyncio.Future[Message]] = {}

    @classmethod
    async def connect(cls, url: str) -> RabbitMqBus:
        """Connect and declare the topology. Raises BusUnavailableError."""
        with _translated():
            _require_address(url)
            connection = await aio_pika.connect_robust(
                url, timeout=_CONNECT_SECONDS, reconnect_interval=_RECONNECT_SECONDS
            )
            bus = cls(connection)
            try:
                await bus._open()
            except BaseException:
                await connection.close()
                raise
        return bus

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._send(EVENTS, [(message.type, to_amqp(message)) for message in messages])

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        async def handle(incoming: AbstractIncomingMessage) -> None:
            await handler(from_amqp(incoming))

        async with self._consuming(queue, handle, at_once=1):
            yield

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        question = uuid4().hex
        self._answers[question] = answered
        try:
            async with asyncio.timeout(within):
                await self._send(COMMANDS, [(owner, to_amqp(command, question, reply_to=self._reply_queue.name))])
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
                letter = to_amqp(reply, incoming.correlation_id)
                await self._send(_DEFAULT_EXCHANGE, [(incoming.reply_to, letter)])

        async with self._consuming(queue, handle, at_once=queue.prefetch):
            yield

    async def close(self) -> None:
        await self._connection.close()

    async def _open(self) -> None:
        self._channel = channel = await self._connection.channel(publisher_confirms=True, on_return_raises=False)
        await channel.declare_exchange(EVENTS, aio_pika.ExchangeType.TOPIC, durable=True)
        await channel.declare_exchange(COMMANDS, aio_pika.ExchangeType.DIRECT, durable=True)
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
        one_process = not queue.shared
        declared = await channel.declare_queue(
            queue.name,
            durable=queue.shared,
            exclusive=one_process,
            auto_delete=one_process,
            arguments=queue_arguments(queue),
        )
        for key in queue.bindings:
            await declared.bind(queue.exchange, key)
        return declared

    @asynccontextmanager
    async def _consuming(self, queue: Queue, handle: _Handle, at_once: int) -> AsyncIterator[None]:
        # As long as the broker's prefetch, so that putting never waits and so never changes the order.
        inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()

        async def settle(incoming: AbstractIncomingMessage, ending: asyncio.Event) -> None:
            await _settle(queue, incoming, handle, ending)

        with _translated():
            channel = await self._connection.channel()
        try:
            with _translated():
                stop = await self._consume(channel, queue, inbox)
            async with draining(inbox.get, settle, at_once, stop):
                yield
        finally:
            await _with_patience(channel.close())

    async def _consume(
        self, channel: AbstractChannel, queue: Queue, inbox: asyncio.Queue[AbstractIncomingMessage]
    ) -> Callable[[], Awaitable[None]]:
        """Have the queue's messages put into the inbox; return what ends that."""
        await channel.set_qos(prefetch_count=queue.prefetch)
        declared = await self._declare(channel, queue)
        tag = await declared.consume(inbox.put)

        async def stop() -> None:
            # The other replicas get what waits and what comes. Not so of an ordered queue: the next one would be
            # given what comes before what waits here. There, the channel's end brings it all back at once.
            if not queue.ordered:
                await _with_patience(declared.cancel(tag))
                while not inbox.empty():
                    await _with_patience(inbox.get_nowait().reject(requeue=True))

        return stop

    async def _take_answer(self, incoming: AbstractIncomingMessage) -> None:
        answered = self._answers.get(incoming.correlation_id or "")
        if answered and not answered.done():
            answered.set_result(from_amqp(incoming))

    async def _send(self, exchange: str, letters: Sequence[tuple[str, aio_pika.Message]]) -> None:
        """Publish them in this order, by routing key; return once the broker has confirmed all."""
        with _translated():
            if self._channel.is_closed:
                raise ChannelInvalidStateError("not connected")
            async with asyncio.timeout(_CONFIRM_SECONDS):
                # All on one channel of one connection: when it breaks, what follows is not sent either.
                channel = await self._channel.get_underlay_channel()
                sending = [
                    channel.basic_publish(letter.body, exchange=exchange, routing_key=key, properties=letter.properties)
                    for key, letter in letters
                ]
                sent = await asyncio.gather(*sending, return_exceptions=True)
        failed = next((result for result in sent if isinstance(result, BaseException)), None)
        if failed:
            raise BusUnavailableError(str(failed) or type(failed).__name__) from failed


async def _settle(queue: Queue, incoming: AbstractIncomingMessage, handle: _Handle, ending: asyncio.Event) -> None:
    if _is_stale(incoming):
        return
    outcome = await attempted(queue, incoming.type or "", lambda: handle(incoming), ending)
    try:
        if outcome is Outcome.HANDLED:
            await incoming.ack()
        elif outcome is Outcome.DEAD:
            await incoming.reject(requeue=False)
    except _FAULTS as error:
        _log.warning("message not settled", queue=queue.name, type=incoming.type, error=str(error))


async def _with_patience(ending: Awaitable[object]) -> None:
    """End something that ends by itself if the broker does not answer."""
    with suppress(*_FAULTS):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await ending


def _is_stale(incoming: AbstractIncomingMessage) -> bool:
    """Tell whether the delivery went with its connection: the broker hands the message out again."""
    try:
        return incoming.channel.is_closed
    except ChannelInvalidStateError:
        return True


def _require_address(url: str) -> None:
    # aio-pika would try an address that makes no sense again and again, for ever.
    parts = urlsplit(url)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ValueError("not an address like amqp://user:password@host/vhost")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise BusUnavailableError(str(error) or type(error).__name__) from error
