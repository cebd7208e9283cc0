"""The bus within one process. It keeps the same contract as RabbitMQ, but what it carries ends with the process."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import count

from shared.messaging.attempts import Outcome, attempted
from shared.messaging.bus import Answerer, Handler
from shared.messaging.dead_letter import DeadLetter
from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.lanes import Lanes, lane
from shared.messaging.message import Message
from shared.messaging.topology import COMMANDS, EVENTS, SHARED_QUEUES, Queue

#: Messages that may wait in one queue.
CAPACITY = 100_000
#: Dead letters of one queue that are kept.
_DEAD_LETTERS_KEPT = 1000


@dataclass(frozen=True, slots=True, order=True)
class _Delivery:
    #: Its place in every queue; what is put back comes before what came later.
    number: int
    message: Message = field(compare=False)
    answered: asyncio.Future[Message] | None = field(default=None, compare=False)


class _Line:
    """One queue and its messages."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.deliveries: asyncio.PriorityQueue[_Delivery] = asyncio.PriorityQueue()

    def admits(self, exchange: str, key: str) -> bool:
        return self.queue.exchange == exchange and any(matches(pattern, key) for pattern in self.queue.bindings)

    def require_room(self) -> None:
        """Raise BusUnavailableError when as many wait as may: the publisher has to try again later."""
        if self.deliveries.qsize() >= CAPACITY:
            raise BusUnavailableError(f"{CAPACITY} messages wait in {self.queue.name}: is its consumer running?")


_Handle = Callable[[_Delivery], Awaitable[None]]


class _Consumer:
    """One consumer of a line."""

    def __init__(self, line: _Line, handle: _Handle, bury: Callable[[Message, DeadLetter], None]) -> None:
        self._line = line
        self._handle = handle
        self._bury = bury
        self._over = asyncio.Event()
        self._room = asyncio.Semaphore(line.queue.prefetch)
        self._lanes = Lanes(self._settle, line.queue.prefetch)

    async def take_all(self) -> None:
        """Take what comes, as long as there is room for it."""
        queue = self._line.queue
        while True:
            await self._room.acquire()
            # Nothing is awaited between taking and putting, so that what was taken is in its lane.
            delivery = await self._line.deliveries.get()
            self._lanes.put(lane(queue.order, delivery.message.headers), delivery)

    async def end(self) -> None:
        """Begin nothing further, let what is being handled come to its end, and give back what waited for it."""
        self._over.set()
        self._lanes.close()
        self._put_back(self._lanes.surrender())
        waiting = self._lanes.forget()
        try:
            await self._lanes.end()
        finally:
            self._put_back(waiting)

    def _put_back(self, deliveries: Sequence[_Delivery]) -> None:
        for delivery in deliveries:
            self._line.deliveries.put_nowait(delivery)

    async def _settle(self, delivery: _Delivery) -> None:
        outcome: Outcome | DeadLetter = Outcome.LEFT
        try:
            outcome = await attempted(
                self._line.queue, delivery.message.type, lambda: self._handle(delivery), self._over
            )
        finally:
            if outcome is Outcome.LEFT:
                self._line.deliveries.put_nowait(delivery)
            self._room.release()
        if isinstance(outcome, DeadLetter):
            self._bury(delivery.message, outcome)


class InProcessBus:
    """Queues of asyncio, with the topology of the real thing."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._numbers = count()
        self._closed = False
        #: The last messages that could not be handled, with the reason among their headers, by queue.
        self.dead_letters: dict[str, deque[Message]] = defaultdict(partial(deque, maxlen=_DEAD_LETTERS_KEPT))
        for queue in SHARED_QUEUES:
            self._declare(queue)

    async def publish(self, messages: Sequence[Message]) -> None:
        for confirmed, message in enumerate(messages):
            try:
                self._send(EVENTS, message.type, message)
            except BusUnavailableError as error:
                raise BusUnavailableError(error.reason, confirmed) from error

    @asynccontextmanager
    async def subscribe(self, queue: Queue, handler: Handler) -> AsyncIterator[None]:
        async def handle(delivery: _Delivery) -> None:
            await handler(delivery.message)

        async with self._consuming(queue, handle):
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

        async with self._consuming(queue, handle):
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
    async def _consuming(self, queue: Queue, handle: _Handle) -> AsyncIterator[None]:
        self._require_open()
        line = self._declare(queue)
        consumer = _Consumer(line, handle, self._bury)
        taking = asyncio.create_task(consumer.take_all())
        try:
            yield
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            await consumer.end()
            if not queue.shared:
                self._lines.pop(queue.name, None)

    def _bury(self, message: Message, letter: DeadLetter) -> None:
        headers = {**message.headers, **letter.headers}
        self.dead_letters[letter.queue].append(replace(message, headers=headers))
        letter.count()


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
