"""How often a message is tried, and what becomes of it: the same on every bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

import structlog
from prometheus_client import Counter

from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.errors import MalformedMessageError
from shared.messaging.topology import Queue

_log = structlog.get_logger()

#: Before a message that failed is tried again, so that a passing fault may pass.
_RETRY_SECONDS = 0.2
_OUTAGE_RETRY_SECONDS = 0.5

_DEAD_LETTERS = Counter("onrecord_dead_letters", "Messages that could not be handled", ["queue"])


class Outcome(Enum):
    """What became of a message."""

    HANDLED = auto()
    #: Nobody can handle it: it belongs to the dead letters.
    DEAD = auto()
    #: The end came first: it is the next consumer's.
    LEFT = auto()


async def attempted(
    queue: Queue, message_type: str, handle: Callable[[], Awaitable[None]], ending: asyncio.Event
) -> Outcome:
    """Handle a message, and again when that fails, while its successors wait.

    That the log is out of reach is no fault of the message's, so it is waited out and not counted.
    """
    outcome = await _attempted(_log.bind(queue=queue.name, type=message_type), queue.attempts, handle, ending)
    if outcome is Outcome.DEAD:
        _DEAD_LETTERS.labels(queue.name).inc()
    return outcome


async def _attempted(
    log: structlog.stdlib.BoundLogger, attempts: int, handle: Callable[[], Awaitable[None]], ending: asyncio.Event
) -> Outcome:
    failures = 0
    while failures < attempts:
        pause = _RETRY_SECONDS
        try:
            await handle()
        except MalformedMessageError as error:
            log.warning("message refused", error=str(error))
            return Outcome.DEAD
        except LogUnavailableError as error:
            log.warning("message waits", error=str(error))
            pause = _OUTAGE_RETRY_SECONDS
        except Exception:
            failures += 1
            log.exception("handler failed", attempt=failures)
        else:
            return Outcome.HANDLED
        if failures < attempts and await _ends_within(ending, pause):
            return Outcome.LEFT
    return Outcome.DEAD


async def _ends_within(ending: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await ending.wait()
    except TimeoutError:
        return False
