"""Gives the commands that are due, for a process manager: whenever something happened, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

import structlog

from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError

_log = structlog.get_logger()

Asked = TypeVar("Asked")

#: How often commands are looked for that time makes due, or that failed before.
_TICK_SECONDS = 0.5


class Coordinator(Generic[Asked]):
    """Gives what is due, again until it is not due any more.

    Several may run at once, if what two of them ask for is done once.
    """

    def __init__(self, due: Callable[[], Iterable[Asked]], give: Callable[[Asked], Awaitable[object]]) -> None:
        self._due = due
        self._give = give
        self._changed = asyncio.Event()

    def look_again(self) -> None:
        """Something happened: look at once for what is due."""
        self._changed.set()

    async def run(self) -> None:
        """Give what is due, for ever."""
        while True:
            self._changed.clear()
            await self.give_due()
            try:
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def give_due(self) -> None:
        """Give each command that is due now, once."""
        for command in list(self._due()):
            await self._try(command)

    async def _try(self, command: Asked) -> None:
        try:
            await self._give(command)
        except RefusedError as error:
            _log.info("not due any more", command=type(command).__name__, reason=str(error))
        except (LogUnavailableError, ConcurrencyConflictError) as error:
            _log.warning("will be given again", command=type(command).__name__, reason=str(error))
