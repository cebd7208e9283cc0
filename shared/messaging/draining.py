"""Draining a queue of asyncio, one item at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

Item = TypeVar("Item")

#: How long the item that is being handled at the end may take.
_LAST_SECONDS = 10


@asynccontextmanager
async def draining(inbox: asyncio.Queue[Item], handle: Callable[[Item], Awaitable[None]]) -> AsyncIterator[None]:
    """Hand items to `handle`, which must not raise, while the context lasts; let the last one end."""
    handling = asyncio.Lock()

    async def drain() -> None:
        while True:
            item = await inbox.get()
            async with handling:
                await handle(item)

    task = asyncio.create_task(drain())
    try:
        yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS), handling:
                task.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
