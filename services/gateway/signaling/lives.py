"""The lives of connections, each a task of its own: whoever serves it may be cut off, its last words may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

_log = structlog.get_logger()

#: How long leaves, and words on their way, may take when the gateway ends: a room of a thousand people needs four.
_LAST_SECONDS = 15.0
#: And what is cut off then.
_CUT_OFF_SECONDS = 2.0


class Lives:
    """All that have not come to their end."""

    def __init__(self) -> None:
        self._lives: set[asyncio.Task[None]] = set()

    def begin(self, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(life)
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)
        return task

    @asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """Wait at the end of the context until all have come to theirs, within limits."""
        try:
            yield
        finally:
            await self._wait()

    async def _wait(self) -> None:
        if self._lives:
            await asyncio.wait(self._lives, timeout=_LAST_SECONDS)
        if self._lives:
            _log.warning("connections cut off", count=len(self._lives))
            for life in self._lives:
                life.cancel()
            await asyncio.wait(self._lives, timeout=_CUT_OFF_SECONDS)
