"""The bus within one process. It keeps the same contract as RabbitMQ, but what it carries ends with the process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache

import structlog

from shared.messaging.bus import Answerer, Handler
from shared.messaging.draining import draining
from shared.messaging.errors import BusUnavailableError, MalformedMessageError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.topology import COMMANDS, EVENTS, SHARED_QUEUES, Queue

_log = structlog.get_logger()

#: Messages a queue holds before publishers wait for its consumer.
_CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class _Delivery:
    message: Message
    answered: asyncio.Future[Message] | None = None


class InProcessBus:
    """Queues of asyncio, with the topology of the real thing."""

    def __init__(self) -> None:
        self._queues: dict[str, tuple[Queue, asyncio.Queue[_Delivery]]] = {}
        self._closed = False
        #: Messages that could not be handled, by queue.
        self.dead_letters: dict[str, list[Message]] = defaultdict(list)
        for queue in SHARED_QUEUES:
            self._declare(queue)

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            for inbox in self._bound(EVENTS, message.type):
                await inbox.put(_Delivery(message))

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        async def handle(delivery: _Delivery) -> None:
            await handler(delivery.message)

        async with self._consuming(queue, handle, concurrency=1):
            yield

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        for inbox in self._bound(COMMANDS, owner):
            await inbox.put(_Delivery(command, answered))
        try:
            async with asyncio.timeout(within):
                return await answered
        except TimeoutError:
            raise NoAnswerError(owner, command.type, within) from None

    @asynccontextmanager
    async def answer(self, queue: Queue, answerer: Answerer) -> AsyncIterator[None]:
        async def handle(delivery: _Delivery) -> None:
            reply = await answerer(delivery.message)
            if delivery.answered and not delivery.answered.done():
                delivery.answered.set_result(reply)

        async with self._consuming(queue, handle, concurrency=queue.prefetch):
            yield

    async def close(self) -> None:
        self._closed = True

    def _declare(self, queue: Queue) -> asyncio.Queue[_Delivery]:
        return self._queues.setdefault(queue.name, (queue, asyncio.Queue(_CAPACITY)))[1]

    def _bound(self, exchange: str, key: str) -> list[asyncio.Queue[_Delivery]]:
        if self._closed:
            raise BusUnavailableError("the in-process bus is closed")
        return [
            inbox
            for queue, inbox in self._queues.values()
            if queue.exchange == exchange and any(matches(pattern, key) for pattern in queue.bindings)
        ]

    @asynccontextmanager
    async def _consuming(
        self, queue: Queue, handle: Callable[[_Delivery], Awaitable[None]], concurrency: int
    ) -> AsyncIterator[None]:
        inbox = self._declare(queue)

        async def deliver(delivery: _Delivery) -> None:
            await self._deliver(queue, delivery, handle)

        async with AsyncExitStack() as stack:
            for _ in range(concurrency):
                await stack.enter_async_context(draining(inbox, deliver))
            yield
        if not queue.shared:
            del self._queues[queue.name]

    async def _deliver(self, queue: Queue, delivery: _Delivery, handle: Callable[[_Delivery], Awaitable[None]]) -> None:
        for attempt in range(1, queue.attempts + 1):
            try:
                return await handle(delivery)
            except MalformedMessageError as error:
                _log.warning("message refused", queue=queue.name, type=delivery.message.type, error=str(error))
                break
            except Exception:  # noqa: BLE001  whatever it is, it must not end the consumer
                _log.exception("handler failed", queue=queue.name, type=delivery.message.type, attempt=attempt)
        self.dead_letters[queue.name].append(delivery.message)
        return None


@lru_cache(maxsize=4096)
def matches(pattern: str, key: str) -> bool:
    """Tell whether a topic pattern admits a routing key: `*` is one word, `#` any number.

    AMQP 0-9-1 section 3.1.3.3.
    """
    return _words_match(tuple(pattern.split(".")), tuple(key.split(".")))


def _words_match(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_words_match(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and _words_match(pattern[1:], words[1:])
