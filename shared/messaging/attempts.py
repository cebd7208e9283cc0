"""How often a message is tried, and what becomes of it: the same on every bus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import Enum, auto

import structlog

from shared.concurrency.clock import utc_now
from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.dead_letter import DeadLetter
from shared.messaging.errors import MalformedMessageError
from shared.messaging.topology import Queue

_log = structlog.get_logger()

#: Before a message that failed is tried again. Each pause is twice as long as the one before: a fault that passes soon
#: costs little, and one that lasts some seconds is outlasted. With five attempts that is 1.5 to 3 s in all, in which
#: the message's stream stands; nobody waits longer than that for an answer.
_RETRY_SECONDS = 0.2
#: By up to so much of itself a pause is shortened, so that what failed together is not tried together.
_JITTER = 0.5
#: Before the log is asked again, which is away for all.
_OUTAGE_RETRY_SECONDS = 0.5


class Outcome(Enum):
    """What became of a message that is not dead."""

    HANDLED = auto()
    #: The end came first: it is the next consumer's.
    LEFT = auto()


async def attempted(
    queue: Queue, message_type: str, handle: Callable[[], Awaitable[None]], over: asyncio.Event
) -> Outcome | DeadLetter:
    """Handle a message, and again when that fails, while those in its lane wait, until it is `over`.

    That the log is out of reach is no fault of the message's, so it is waited out and not counted.
    """
    about = {"queue": queue.name, "type": message_type}
    failures = 0
    while True:
        try:
            await handle()
        except MalformedMessageError as error:
            _log.warning("message refused", **about, error=str(error))
            return _dead(queue, error, failures + 1)
        except LogUnavailableError as error:
            _log.warning("message waits", **about, error=str(error))
            pause = _OUTAGE_RETRY_SECONDS
        except Exception as error:  # noqa: BLE001  whatever it is, it is told and counted
            failures += 1
            _log.exception("handler failed", **about, attempt=failures)
            if failures >= queue.attempts:
                return _dead(queue, error, failures)
            pause = _pause_after(failures)
        else:
            return Outcome.HANDLED
        if await _is_over_within(over, pause):
            return Outcome.LEFT


def _dead(queue: Queue, error: Exception, attempts: int) -> DeadLetter:
    return DeadLetter(queue.name, error, attempts, utc_now())


def _pause_after(failures: int) -> float:
    full: float = _RETRY_SECONDS * 2 ** (failures - 1)
    return random.uniform(1 - _JITTER, 1) * full  # noqa: S311  to spread, not to keep a secret


async def _is_over_within(over: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await over.wait()
    except TimeoutError:
        return False
