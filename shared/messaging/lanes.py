"""Handing out what comes in: in order where order matters, at the same time where it does not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from shared.messaging.topology import Order

Item = TypeVar("Item")

#: How long what is being handled at the end may take.
_LAST_SECONDS = 10


def lane(order: Order, headers: Mapping[str, Any]) -> Hashable:
    """Return what a message has in common with those it waits for, and they for it."""
    match order:
        case Order.LOG:
            return None
        case Order.STREAM:
            return str(headers.get("stream", ""))
        case Order.NONE:
            return object()


class Lanes(Generic[Item]):
    """Items of one lane are handled one at a time and in order, those of different lanes at the same time.

    Whoever puts items in bounds how many there are at a time: by the broker's prefetch, or by waiting.
    """

    def __init__(self, handle: Callable[[Item], Coroutine[Any, Any, None]], at_once: int) -> None:
        #: Must not raise.
        self._handle = handle
        self._at_once = at_once
        #: What waits, for each lane in which something waits or is being handled.
        self._waiting: dict[Hashable, deque[Item]] = {}
        #: Lanes in which something waits and nothing is being handled.
        self._ready: deque[Hashable] = deque()
        self._at_work: set[asyncio.Task[None]] = set()
        self._closed = False

    def put(self, lane: Hashable, item: Item) -> None:
        if lane not in self._waiting:
            self._waiting[lane] = deque()
            self._ready.append(lane)
        self._waiting[lane].append(item)
        self._begin()

    def close(self) -> None:
        """Begin nothing further."""
        self._closed = True

    def surrender(self) -> list[Item]:
        """Let go of what waits for nothing that is being handled, and return it."""
        surrendered = [item for lane in self._ready for item in self._waiting.pop(lane)]
        self._ready.clear()
        return surrendered

    def forget(self) -> list[Item]:
        """Let go of all that waits, and return it."""
        forgotten = [item for waiting in self._waiting.values() for item in waiting]
        for waiting in self._waiting.values():
            waiting.clear()
        for lane in self._ready:
            del self._waiting[lane]
        self._ready.clear()
        return forgotten

    async def end(self) -> None:
        """Let what is being handled come to its end; what takes too long is cancelled."""
        self.close()
        if self._at_work:
            _, late = await asyncio.wait(self._at_work, timeout=_LAST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self) -> None:
        while self._ready and len(self._at_work) < self._at_once and not self._closed:
            lane = self._ready.popleft()
            task = asyncio.create_task(self._handle(self._waiting[lane].popleft()))
            self._at_work.add(task)
            task.add_done_callback(partial(self._done, lane))

    def _done(self, lane: Hashable, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if self._waiting[lane]:
            self._ready.append(lane)
        else:
            del self._waiting[lane]
        self._begin()
