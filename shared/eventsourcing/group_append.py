"""Group append: callers who append at the same time share a transaction, and so its commit.

While one group is being committed the next one gathers, so the busier the log, the larger the groups and the cheaper
each append; alone, a caller waits for nobody. A conflict or a duplicate is the matter of its own caller, and a group
that another process holds up is overtaken by the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError
from shared.eventsourcing.event import AppendRequest

#: Requests that share a transaction at the most.
_LARGEST_GROUP = 256
#: Groups on their way at the most: each takes a connection.
_GROUPS = 4
#: Much longer than a commit takes: this group waits for a lock, so the next one goes.
_HELD_UP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class AppendResult:
    """Whether it was appended, and where its stream is now."""

    accepted: bool
    head: int


#: Appends requests of different streams, sorted by stream, in one transaction. Raises DuplicateEventError for all of
#: them, and whatever keeps it from being done.
AppendTogether = Callable[[Sequence[AppendRequest]], Awaitable[list[AppendResult]]]

_Waiting = tuple[AppendRequest, asyncio.Future[int]]


class GroupAppend:
    """Gathers requests into groups."""

    def __init__(self, append_together: AppendTogether) -> None:
        self._append_together = append_together
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def append(self, request: AppendRequest) -> int:
        """Return the stream's new head. Raises ConcurrencyConflictError, DuplicateEventError, LogUnavailableError."""
        appended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, appended))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await appended

    async def _work(self) -> None:
        while self._waiting:
            settling = asyncio.create_task(self._settle(self._next_group()))
            self._under_way.add(settling)
            settling.add_done_callback(self._under_way.discard)
            await asyncio.wait({settling}, timeout=_HELD_UP_SECONDS)
            if len(self._under_way) == _GROUPS:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    def _next_group(self) -> list[_Waiting]:
        """Take the oldest requests; of several for one stream the first, as the others expect what it leads to."""
        group: dict[str, _Waiting] = {}
        later: list[_Waiting] = []
        for waiting in self._waiting:
            stream = waiting[0].stream
            if stream in group or len(group) == _LARGEST_GROUP:
                later.append(waiting)
            else:
                group[stream] = waiting
        self._waiting = later
        # Sorted, so that two processes that append to the same streams never wait for each other in a circle.
        return [group[stream] for stream in sorted(group)]

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            results = await self._append_together([request for request, _ in group])
        except DuplicateEventError as error:
            await self._settle_duplicate(group, error)
        except BaseException as error:  # whoever waits must be told, whatever it is
            for _, appended in group:
                _fail(appended, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (request, appended), result in zip(group, results, strict=True):
                _tell(request, appended, result)

    async def _settle_duplicate(self, group: Sequence[_Waiting], error: DuplicateEventError) -> None:
        """One of them is stored already, and the database does not say which: append each alone."""
        if len(group) == 1:
            _fail(group[0][1], error)
            return
        for waiting in group:
            await self._settle([waiting])


def _tell(request: AppendRequest, appended: asyncio.Future[int], result: AppendResult) -> None:
    if result.accepted and not appended.done():
        appended.set_result(result.head)
    elif not result.accepted:
        _fail(appended, ConcurrencyConflictError(request.stream, request.expected, result.head))


def _fail(appended: asyncio.Future[int], error: BaseException) -> None:
    if not appended.done():
        appended.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
