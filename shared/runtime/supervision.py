"""Background tasks that are part of a service: when one fails, the service fails; when the service ends, they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def supervised(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the jobs while the context lasts. A job that raises cancels the context's body and is raised from it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
