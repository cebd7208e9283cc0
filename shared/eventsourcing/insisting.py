"""Insisting: what must be in the log is said again until it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError

_log = structlog.get_logger()

Outcome = TypeVar("Outcome")

#: What passes: the log is away, or others write so much to the same stream that all attempts were in vain.
PASSING: tuple[type[Exception], ...] = (LogUnavailableError, ConcurrencyConflictError)
#: Between attempts. Short, because media may wait for the word.
_RETRY_SECONDS = 0.5


async def until_written(
    say: Callable[[], Awaitable[Outcome]], what: str, passing: tuple[type[Exception], ...] = PASSING
) -> Outcome:
    """Return what `say` does, however often it has to be said. Errors that are not `passing` pass through.

    `what` names it in our own log. Said again, it must write nothing if it was written but not answered.
    """
    reason: type[Exception] | None = None
    while True:
        try:
            return await say()
        except passing as error:
            # Once for each kind: the next attempt mostly meets the same.
            if type(error) is not reason:
                _log.warning("said again until it is in the log", what=what, error=str(error))
            reason = type(error)
            await asyncio.sleep(_RETRY_SECONDS)
