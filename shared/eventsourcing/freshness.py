"""Freshness: a read of a projection shows whatever was in the log when the read began.

Who was answered that something is done asks for it next, and the projection comes a little after the log. So a read
waits for it, within bounds: what is a little old is a better answer than none.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg

from shared.eventsourcing.errors import EventSourcingError
from shared.eventsourcing.own_connection import brief_connection
from shared.eventsourcing.sequenced import until_sequenced

#: Between looks: the first ones come soon, as an event is mostly sequenced and applied within milliseconds.
_FIRST_WAIT, _LONGEST_WAIT = 0.005, 0.05
#: Longer than a read waits: what a database takes longer for hangs.
_LOOK_SECONDS = 2.0

#: The last pending event up to a number, the log's head, and how far the live projection is, in one snapshot.
_LOOK = """SELECT (SELECT max(number) FROM public.pending_events WHERE number <= $2),
    (SELECT coalesce(max(global_position), 0) FROM public.events),
    (SELECT position FROM public.projections WHERE name = $1 AND stage = 'live')"""


class ProjectionMissingError(EventSourcingError):
    """The projection was never made, or is being made for the first time."""

    def __init__(self, projection: str) -> None:
        super().__init__(
            f"projection {projection} is not there yet: try again in a moment; "
            "`onrecord projections list` says how far it is"
        )
        self.projection = projection


async def until_fresh(pool: asyncpg.Pool, projection_name: str, patience: float = 1.0) -> None:
    """Return when all that is committed now is in the live projection, or after `patience` seconds.

    Raises ProjectionMissingError when there is no live one by then, and LogUnavailableError.
    """
    waiting = _Waiting(pool, projection_name)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await waiting.until_fresh()
    if waiting.position is None:
        raise ProjectionMissingError(projection_name)


class _Waiting:
    """One read that waits."""

    def __init__(self, pool: asyncpg.Pool, projection_name: str) -> None:
        self._pool = pool
        self._name = projection_name
        self._pause = _FIRST_WAIT
        #: Global position that the projection was seen to have come to; None: there is none.
        self.position: int | None = 0

    async def until_fresh(self) -> None:
        head = await until_sequenced(self._look, self._wait)
        while self.position is None or self.position < head:
            await self._wait()
            await self._look(0)

    async def _look(self, number: int) -> tuple[int | None, int]:
        async with brief_connection(self._pool, _LOOK_SECONDS) as connection:
            looked = await connection.fetchrow(_LOOK, self._name, number, timeout=_LOOK_SECONDS)
        pending, head, self.position = looked
        return pending, head

    async def _wait(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_WAIT)
