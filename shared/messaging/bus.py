"""The bus's port. Its laws are `tests/contract/bus.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.messaging.message import Message
from shared.messaging.topology import Queue

#: What it returns is nobody's.
Handler = Callable[[Message], Awaitable[object]]
Answerer = Callable[[Message], Awaitable[Message]]


class Bus(Protocol):
    """Carries events to everyone who listens, and commands to the one who owns them. At least once."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish events in this order; return once the broker has them safe.

        Raises BusUnavailableError, which says how many of them, from the first on, the broker has `confirmed`.
        """
        ...

    def subscribe(self, queue: Queue, handler: Handler) -> AbstractAsyncContextManager[None]:
        """Hand the queue's messages to `handler` while the context lasts.

        The queue is declared if it is not there. Messages that wait for each other by the queue's `order` are handled
        one at a time and in order; others at the same time, up to its `prefetch`. That holds for one consumer, and
        not among replicas.

        A message is done when the handler returns. When it raises, the message is tried again after a pause, up to
        `queue.attempts` times, while those that wait for it wait. Then it goes to the dead letters with the reason;
        MalformedMessageError sends it there at once. LogUnavailableError is no fault of the message: it is waited out.

        Raises BusUnavailableError when the broker does not answer at the beginning. Later, what ends the consuming is
        waited out, and consuming begun anew.
        """
        ...

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        """Send a command to its owner and return the answer.

        Raises NoAnswerError after `within` seconds, and BusUnavailableError.
        """
        ...

    def answer(self, queue: Queue, answerer: Answerer) -> AbstractAsyncContextManager[None]:
        """Answer the queue's commands while the context lasts. Order and failures are as in `subscribe`.

        At the end of either context nothing further is begun, and what is being handled is let to its end, for a
        limited time. What was not handled is the next consumer's.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
