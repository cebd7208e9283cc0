"""What a contract test of the bus needs to know of the broker behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol

import aio_pika

from shared.messaging.amqp import from_amqp
from shared.messaging.bus import Answerer, Bus, Handler
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import COMMANDS, DEAD_LETTERS, EVENTS, Order, Queue

#: Ends a subscription; returns when it has ended.
End = Callable[[], Coroutine[Any, Any, None]]


class Broker(Protocol):
    """One broker, to which several processes connect."""

    async def connect(self) -> Bus:
        """Return the bus of one more process."""
        ...

    async def dead_letters(self, queue: Queue) -> list[Message]:
        """Return the queue's messages that nobody could handle."""
        ...


class OneProcess:
    """The in-process bus: all there is, is in this process."""

    def __init__(self) -> None:
        self._bus = InProcessBus()

    async def connect(self) -> Bus:
        return self._bus

    async def dead_letters(self, queue: Queue) -> list[Message]:
        return list(self._bus.dead_letters[queue.name])


class RabbitMq:
    """A virtual host of RabbitMQ."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self._dead: list[tuple[str, Message]] = []

    async def connect(self) -> Bus:
        bus = await RabbitMqBus.connect(self._url)
        self._stack.push_async_callback(bus.close)
        return bus

    async def dead_letters(self, queue: Queue) -> list[Message]:
        async with await aio_pika.connect(self._url) as connection:
            parked = await (await connection.channel()).get_queue(DEAD_LETTERS)
            while letter := await parked.get(no_ack=True, fail=False):
                self._dead.append((letter.routing_key or "", from_amqp(letter)))
        return [message for name, message in self._dead if name == queue.name]


class Heard:
    """A handler that takes down what it hears, and fails when it is told to."""

    def __init__(self, *failures: Exception, of: bytes = b"") -> None:
        self.messages: list[Message] = []
        self._failures = list(failures)
        self._of = of
        self._at_work = 0
        self.most_at_once = 0

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    async def handle(self, message: Message) -> None:
        self._at_work += 1
        self.most_at_once = max(self.most_at_once, self._at_work)
        self.messages.append(message)
        await asyncio.sleep(0)  # lets another come in, if one is wrongly allowed to
        self._at_work -= 1
        if self._failures and message.payload.startswith(self._of):
            raise self._failures.pop(0)

    async def answer(self, message: Message) -> Message:
        await self.handle(message)
        return Message("reply.v1", b"answer to " + message.payload)


def events_queue(
    name: str,
    *bindings: str,
    order: Order = Order.STREAM,
    attempts: int = 3,
    prefetch: int = 10,
) -> Queue:
    keys = bindings or ("#",)
    return Queue(name, EVENTS, keys, order, attempts=attempts, prefetch=prefetch)


def commands_queue(owner: str, attempts: int = 3, prefetch: int = 10) -> Queue:
    return Queue(f"{owner}.test-commands", COMMANDS, (owner,), Order.NONE, attempts=attempts, prefetch=prefetch)


def message(payload: bytes | str | int, message_type: str = "thing.happened.v1", stream: str = "") -> Message:
    headers = {"stream": stream} if stream else {}
    return Message(message_type, payload if isinstance(payload, bytes) else str(payload).encode(), headers=headers)


def messages(*payloads: int, message_type: str = "thing.happened.v1") -> list[Message]:
    return [message(payload, message_type) for payload in payloads]


def payloads(*numbers: int) -> list[bytes]:
    return [str(number).encode() for number in numbers]


async def declare(bus: Bus, queue: Queue) -> None:
    """Have the queue exist: whoever subscribes once declares it."""
    async with bus.subscribe(queue, _unexpected):
        pass


@asynccontextmanager
async def subscribed_in_background(bus: Bus, queue: Queue, handler: Handler) -> AsyncIterator[End]:
    """Subscribe; yield what ends the subscription and returns when it has ended."""
    async with _in_background(lambda: bus.subscribe(queue, handler)) as end:
        yield end


@asynccontextmanager
async def answered_in_background(bus: Bus, queue: Queue, answerer: Answerer) -> AsyncIterator[End]:
    """Answer; yield what ends that and returns when it has ended."""
    async with _in_background(lambda: bus.answer(queue, answerer)) as end:
        yield end


@asynccontextmanager
async def _in_background(open_context: Callable[[], AbstractAsyncContextManager[None]]) -> AsyncIterator[End]:
    begun, ending = asyncio.Event(), asyncio.Event()

    async def stay() -> None:
        try:
            async with open_context():
                begun.set()
                await ending.wait()
        finally:
            begun.set()  # else whoever waits for a beginning that failed waits for ever

    staying = asyncio.create_task(stay())

    async def end() -> None:
        ending.set()
        await staying

    await begun.wait()
    try:
        if staying.done():
            await staying
        yield end
    finally:
        staying.cancel()
        with suppress(asyncio.CancelledError):
            await staying


async def _unexpected(message: Message) -> None:
    raise AssertionError(f"nothing was to be heard here: {message}")
