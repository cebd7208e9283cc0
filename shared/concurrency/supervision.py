"""Background tasks that are part of a service: when one fails, the service fails; when the service ends, they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

#: Longer than a job takes to end in order, which a second cancellation would cut off.
_INSIST_SECONDS = 5


@asynccontextmanager
async def supervised(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the jobs while the context lasts. A job that raises cancels the context's body and is raised from it."""
    with single_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
            try:
                yield
            finally:
                await _ended(tasks)


async def _ended(jobs: Iterable[asyncio.Task[None]]) -> None:
    """Cancel jobs until they end: in Python 3.11 a task group that is failing already swallows a cancellation."""
    running = set(jobs)
    while running:
        for job in running:
            job.cancel()
        _, running = await asyncio.wait(running, timeout=_INSIST_SECONDS)


@contextmanager
def single_error() -> Iterator[None]:
    """Raise an error that is alone in its group by itself: whoever catches it looks for its type."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise
