"""The watch over the log: while the bus is silent, what is known is read from the log itself.

The relay's watermark comes by the bus. What it is made of is in Postgres: each gateway's horizon, and the log. Where
none came for a second, the same is done here in the same order: the horizons are read, then what was said before them,
and then media may go on. The horizon of a dead gateway holds media back as ever: it is the relay's to say when it
counts no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
import structlog

from services.recorder.moments import nanoseconds
from services.recorder.watermark import WatermarkGauge
from shared.concurrency.clock import Clock
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import Horizons
from shared.eventsourcing.own_connection import brief_connection
from shared.eventsourcing.sequenced import until_sequenced

_log = structlog.get_logger()

#: The bus is silent when no watermark came for so many seconds: one is due every tenth of a second.
_SILENCE_SECONDS = 1.0
#: Between two looks.
_LOOK_SECONDS = 0.25
#: Between two questions whether all that was said has its place in the log, and for each of them.
_SEQUENCED_SECONDS, _QUESTION_SECONDS = 0.02, 2.0
#: The last pending event up to a number, and the log's head, in one snapshot.
_PENDING_AND_HEAD = """SELECT (SELECT max(number) FROM public.pending_events WHERE number <= $1),
    (SELECT coalesce(max(global_position), 0) FROM public.events)"""
#: How long a look may take: what was said last may have no place in the log yet, and the database may hang.
_PATIENCE_SECONDS = 5.0


class LogWatch:
    """Moves the watermark on while nobody else does."""

    def __init__(
        self,
        database: asyncpg.Pool,
        catch_up: Callable[[int], Awaitable[None]],
        watermark: WatermarkGauge,
        clock: Clock,
    ) -> None:
        """`catch_up` applies the log up to a global position."""
        self._database = database
        self._catch_up = catch_up
        self._watermark = watermark
        self._clock = clock
        #: By the loop's clock.
        self._heard_at = 0.0

    def heard(self) -> None:
        """Take note that a watermark came by the bus."""
        self._heard_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Watch for ever; outages of the database are waited out."""
        self.heard()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            heard_at = self._heard_at
            if self._is_silent():
                _log.warning("no watermark comes by the bus: the log is read")
                await self._look_until_heard(heard_at)
                _log.info("a watermark came by the bus")

    async def _look_until_heard(self, heard_at: float) -> None:
        while self._heard_at == heard_at:
            try:
                await self._look()
            except (LogUnavailableError, TimeoutError) as error:
                _log.warning("the log cannot be read", error=str(error))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        # The clock is read first: a gateway that appears after the look at the table hears nothing before this.
        now = self._clock()
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            brief_connection(self._database, _PATIENCE_SECONDS) as connection,
        ):
            horizons = await Horizons(connection).all()
            # After the look at the horizons: what was said before them is committed by now.
            head = await until_sequenced(partial(_look, connection), partial(asyncio.sleep, _SEQUENCED_SECONDS))
        await self._catch_up(head)
        self._watermark.raise_to(nanoseconds(min((each.known_until for each in horizons), default=now)))

    def _is_silent(self) -> bool:
        return asyncio.get_running_loop().time() - self._heard_at >= _SILENCE_SECONDS


async def _look(connection: asyncpg.Connection, number: int) -> tuple[int | None, int]:
    pending, head = await connection.fetchrow(_PENDING_AND_HEAD, number, timeout=_QUESTION_SECONDS)
    return pending, head
