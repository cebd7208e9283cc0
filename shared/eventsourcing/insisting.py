"""Insisting: what the log must take, or tell, is asked of it again until it does."""

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


async def until_answered(
    ask: Callable[[], Awaitable[Outcome]], what: str, passing: tuple[type[Exception], ...] = PASSING
) -> Outcome:
    """Return what `ask` returns, however often it has to be asked. Errors that are not `passing` are the caller's.

    `what` names it in our own log. Asked again, it must write nothing if it was written but not answered.
    """
    reason: type[Exception] | None = None
    while True:
        try:
            return await ask()
        except passing as error:
            # Once for each kind: the next attempt mostly meets the same.
            if type(error) is not reason:
                _log.warning("asked again until the log answers", what=what, error=str(error))
            reason = type(error)
            await asyncio.sleep(_RETRY_SECONDS)
