"""The bus within one process. It keeps the same contract as RabbitMQ, but what it carries ends with the process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from shared.messaging.attempts import Outcome, attempted
from shared.messaging.bus import Answerer, Handler
from shared.messaging.draining import draining
from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.topology import COMMANDS, EVENTS, SHARED_QUEUES, Queue

#: Messages that may wait in one queue.
CAPACITY = 100_000


@dataclass(frozen=True, slots=True, order=True)
class _Delivery:
    #: Its place in every queue; what is put back comes before what came later.
    number: int
    message: Message = field(compare=False)
    answered: asyncio.Future[Message] | None = field(default=None, compare=False)


class _Line:
    """One queue's messages, and whose turn it is to take them."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.turn = asyncio.Lock()
        self.deliveries: asyncio.PriorityQueue[_Delivery] = asyncio.PriorityQueue()

    def admits(self, exchange: str, key: str) -> bool:
        return self.queue.exchange == exchange and any(matches(pattern, key) for pattern in self.queue.bindings)

    def require_room(self) -> None:
        """Raise BusUnavailableError when as many wait as may: the publisher has to try again later."""
        if self.deliveries.qsize() >= CAPACITY:
            raise BusUnavailableError(f"{CAPACITY} messages wait in {self.queue.name}: is its consumer running?")


class _Taker:
    """One consumer of a line. Of an ordered queue's consumers, only the one whose turn it is gets anything."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._has_turn = False

    async def take(self) -> _Delivery:
        if self._line.queue.ordered and not self._has_turn:
            await self._line.turn.acquire()
            self._has_turn = True
        return await self._line.deliveries.get()

    def leave(self) -> None:
        if self._has_turn:
            self._line.turn.release()


class InProcessBus:
    """Queues of asyncio, with the topology of the real thing."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._numbers = count()
        self._closed = False
        #: Messages that could not be handled, by queue.
        self.dead_letters: dict[str, list[Message]] = defaultdict(list)
        for queue in SHARED_QUEUES:
            self._declare(queue)

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._send(EVENTS, message.type, message)

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        async def handle(delivery: _Delivery) -> None:
            await handler(delivery.message)

        async with self._consuming(queue, handle, at_once=1):
            yield

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._send(COMMANDS, owner, command, answered)
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

        async with self._consuming(queue, handle, at_once=queue.prefetch):
            yield

    async def close(self) -> None:
        self._closed = True

    def _declare(self, queue: Queue) -> _Line:
        return self._lines.setdefault(queue.name, _Line(queue))

    def _send(self, exchange: str, key: str, message: Message, answered: asyncio.Future[Message] | None = None) -> None:
        self._require_open()
        lines = [line for line in self._lines.values() if line.admits(exchange, key)]
        for line in lines:
            line.require_room()
        delivery = _Delivery(next(self._numbers), message, answered)
        for line in lines:
            line.deliveries.put_nowait(delivery)

    def _require_open(self) -> None:
        if self._closed:
            raise BusUnavailableError("the in-process bus is closed")

    @asynccontextmanager
    async def _consuming(
        self, queue: Queue, handle: Callable[[_Delivery], Awaitable[None]], at_once: int
    ) -> AsyncIterator[None]:
        self._require_open()
        line = self._declare(queue)
        taker = _Taker(line)

        async def deliver(delivery: _Delivery, ending: asyncio.Event) -> None:
            await self._deliver(line, delivery, handle, ending)

        try:
            async with draining(taker.take, deliver, at_once):
                yield
        finally:
            taker.leave()
            if not queue.shared:
                self._lines.pop(queue.name, None)

    async def _deliver(
        self, line: _Line, delivery: _Delivery, handle: Callable[[_Delivery], Awaitable[None]], ending: asyncio.Event
    ) -> None:
        outcome = Outcome.LEFT
        try:
            outcome = await attempted(line.queue, delivery.message.type, lambda: handle(delivery), ending)
        finally:
            if outcome is Outcome.LEFT:
                line.deliveries.put_nowait(delivery)
        if outcome is Outcome.DEAD:
            self.dead_letters[line.queue.name].append(delivery.message)


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
