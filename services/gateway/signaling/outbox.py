"""The outbox of one connection: what a client is told, in order, and no more than it can take."""

from __future__ import annotations

import asyncio
from collections import deque

#: Messages that may wait for a client that reads slowly, before it is disconnected: as many as a room of a thousand
#: people has to say of itself when all of them come and consent at once. What everybody is told is kept once for all.
_LIMIT = 4000
#: And characters: echoes are as long as what was said.
_LONGEST = 8 * 2**20


class OutboxFullError(Exception):
    """The client does not read what it is told."""


class Outbox:
    """A bounded queue that is closed after its last message."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._length = 0
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, text: str) -> None:
        """Queue a message; nothing after `close`. Raises OutboxFullError."""
        if self._closed:
            return
        if len(self._texts) >= _LIMIT or self._length + len(text) > _LONGEST:
            raise OutboxFullError
        self._texts.append(text)
        self._length += len(text)
        self._changed.set()

    def close(self, *, at_once: bool = False) -> None:
        """End it when what was queued has been sent, or without sending that."""
        self._closed = True
        if at_once:
            self._texts.clear()
            self._length = 0
        self._changed.set()

    async def next(self) -> str | None:
        """Wait for the next message; None when there is none to come."""
        while not self._texts:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        text = self._texts.popleft()
        self._length -= len(text)
        return text
