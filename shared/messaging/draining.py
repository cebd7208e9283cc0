"""Handing out what comes in, and coming to an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

#: Handles an item and must not raise. The event is set when the end has come: what can wait should be left then.
Handle = Callable[[Item, asyncio.Event], Coroutine[Any, Any, None]]

#: How long what is being handled at the end may take.
_LAST_SECONDS = 10


@asynccontextmanager
async def draining(
    take: Callable[[], Awaitable[Item]],
    handle: Handle[Item],
    at_once: int,
    stopped: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Hand what `take` gives to `handle`, up to `at_once` at a time, while the context lasts.

    At the end no more is taken, `stopped` is called, and what is being handled is let to its end; what takes too long
    is cancelled.
    """
    ending = asyncio.Event()
    running: set[asyncio.Task[None]] = set()
    free = asyncio.Semaphore(at_once)

    async def keep_taking() -> None:
        while True:
            await free.acquire()
            # Nothing is awaited between taking and handling, so that what was taken is being handled.
            task = asyncio.create_task(handle(await take(), ending))
            running.add(task)
            task.add_done_callback(done)

    def done(task: asyncio.Task[None]) -> None:
        running.discard(task)
        free.release()

    taking = asyncio.create_task(keep_taking())
    try:
        yield
    finally:
        ending.set()
        await _cancel({taking})
        if stopped:
            await stopped()
        await _let_end(running)


async def _let_end(running: set[asyncio.Task[None]]) -> None:
    if running:
        _, late = await asyncio.wait(running, timeout=_LAST_SECONDS)
        await _cancel(late)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
