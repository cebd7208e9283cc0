"""The bus's port. Its laws are `tests/contract/bus.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.messaging.message import Message
from shared.messaging.topology import Queue

Handler = Callable[[Message], Awaitable[None]]
Answerer = Callable[[Message], Awaitable[Message]]


class Bus(Protocol):
    """Carries events to everyone who listens, and commands to the one who owns them. At least once."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish events in this order; return once the broker has them safe. Raises BusUnavailableError."""
        ...

    def subscribe(self, queue: Queue, handler: Handler) -> AbstractAsyncContextManager[None]:
        """Hand the queue's messages to `handler`, one at a time and in order, while the context lasts.

        The queue is declared if it is not there. Order is kept from one replica to the next if it is `ordered`.

        A message is done when the handler returns. When it raises, the message comes again before its successors,
        up to `queue.attempts` times, and then goes to the dead letters; MalformedMessageError sends it there at once.
        LogUnavailableError is no fault of the message: it is waited out.

        Raises BusUnavailableError when the broker does not answer at the beginning; later faults are waited out.
        """
        ...

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        """Send a command to its owner and return the answer.

        Raises NoAnswerError after `within` seconds, and BusUnavailableError.
        """
        ...

    def answer(self, queue: Queue, answerer: Answerer) -> AbstractAsyncContextManager[None]:
        """Answer the queue's commands, several at a time, while the context lasts. Failures are as in `subscribe`.

        At the end of either context nothing further is begun, and what is being handled is let to its end, for a
        limited time. What was not handled is the next consumer's.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
