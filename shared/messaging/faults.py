"""Faults of the broker and of the way to it, and endings that it may not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from aiormq.exceptions import AMQPError

from shared.messaging.errors import BusUnavailableError

_log = structlog.get_logger()

#: What aio-pika raises when the broker, the connection or the channel is gone, or the address makes no sense.
FAULTS = (AMQPError, OSError, TimeoutError, RuntimeError, ValueError, KeyError)

_CLOSE_SECONDS = 5
_INSIST_SECONDS = 1


@contextmanager
def uncancelled() -> Iterator[None]:
    """Have the driver's own cancellations be faults: it cancels what waits for a channel that ends."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise ConnectionError("the connection or channel was closed") from error


@contextmanager
def translated() -> Iterator[None]:
    """Raise faults as BusUnavailableError."""
    try:
        with uncancelled():
            yield
    except FAULTS as error:
        raise BusUnavailableError(told(error)) from error


def told(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def with_patience(ending: Awaitable[object]) -> bool:
    """Await an ending, and tell whether the broker confirmed it. What it does not answer ends by itself."""
    try:
        with uncancelled():
            async with asyncio.timeout(_CLOSE_SECONDS):
                await ending
    except FAULTS:
        return False
    except Exception:  # noqa: BLE001  whatever it was, the loops that end what was lost must not end
        _log.exception("not ended in order")
        return False
    return True


async def unless(broken: asyncio.Event, doing: Coroutine[Any, Any, None]) -> None:
    """Do it, and raise ConnectionError as soon as the event is set."""
    work, breaking = asyncio.create_task(doing), asyncio.create_task(broken.wait())
    try:
        await asyncio.wait({work, breaking}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ConnectionError("the connection broke")
        await work
    finally:
        for task in (work, breaking):
            task.cancel()
        await asyncio.gather(work, breaking, return_exceptions=True)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task until it ends: asyncio's wait_for, which the driver uses, can swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_INSIST_SECONDS)
