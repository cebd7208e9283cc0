"""A loop in a thread of its own, which goes on also while no test runs, and while one runs that has another loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class Elsewhere:
    """Runs what is to go on. What belongs to its loop must be used and ended there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def run(self, job: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(job, self._loop))


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Have such a loop while the context lasts."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def stay() -> None:
        over = asyncio.Event()
        begun.set_result((asyncio.get_running_loop(), over))
        await over.wait()

    thread = Thread(target=asyncio.run, args=[stay()])
    thread.start()
    loop, over = begun.result()
    try:
        yield Elsewhere(loop)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
