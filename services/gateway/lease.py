"""The gateway's lease: its horizon in the database. While it is not renewed, the gateway takes no words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import structlog

from shared.concurrency.supervision import supervised
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import Horizon, Horizons
from shared.eventsourcing.own_connection import brief_connection

_log = structlog.get_logger()

#: Between two renewals, and before another connection is tried.
_RENEW_SECONDS = 0.1
#: Seconds that a connection may take to be there.
_CONNECT_SECONDS = 1.0


class Lease:
    """Renews a horizon while it lasts.

    A gateway that could not renew in time is fenced before anybody takes it for dead, and so is one that finds that it
    was: the watermark may have passed what is said to it. The one goes on as soon as it can renew, the other under a
    new id, as a gateway that has just started. Its clients are sent away both times, and come in anew.
    """

    def __init__(self, database: asyncpg.Pool, horizon: Horizon) -> None:
        self._database = database
        self._horizon = horizon
        self._gateway_id = _new_id()

    def gateway_id(self) -> str:
        """Return the id by which the log names the gateway that participants are connected to."""
        return self._gateway_id

    @asynccontextmanager
    async def kept(self, send_away: Callable[[], None]) -> AsyncIterator[None]:
        """Hold it while the context lasts; `send_away` closes everybody's connection. Raises LogUnavailableError."""
        await self._register(Horizons(self._database))
        async with supervised(self._keep(send_away)):
            yield
        await self._end()

    async def _keep(self, send_away: Callable[[], None]) -> None:
        while True:
            try:
                await self._renew_by_one_connection(send_away)
            except LogUnavailableError as error:
                _log.warning("horizon not renewed", error=str(error))
            if self._horizon.is_fenced:
                send_away()
            await asyncio.sleep(_RENEW_SECONDS)

    async def _renew_by_one_connection(self, send_away: Callable[[], None]) -> None:
        """Renew for ever by a connection of its own: one that others share is theirs when it is needed."""
        async with brief_connection(self._database, _CONNECT_SECONDS) as connection:
            horizons = Horizons(connection)
            while True:
                if not await self._renew(horizons):
                    await self._begin_anew(horizons, send_away)
                await asyncio.sleep(_RENEW_SECONDS)

    async def _renew(self, horizons: Horizons) -> bool:
        # Counted from before it was asked for: whoever watches sees it later than that.
        asked_at = time.monotonic()
        renewed = await horizons.renew(self._gateway_id, self._horizon.known_until())
        if renewed:
            self._horizon.renewed(asked_at)
        return renewed

    async def _begin_anew(self, horizons: Horizons, send_away: Callable[[], None]) -> None:
        _log.error("this gateway was taken for dead, and begins anew", gateway=self._gateway_id)
        self._horizon.fence()
        send_away()
        self._gateway_id = _new_id()
        await self._register(horizons)

    async def _register(self, horizons: Horizons) -> None:
        asked_at = time.monotonic()
        await horizons.register(self._gateway_id, self._horizon.known_until())
        self._horizon.renewed(asked_at)

    async def _end(self) -> None:
        if self._horizon.holds_words:
            # Left to the relay, as of one that was killed: these words may still come into the log.
            _log.warning("ended with words on their way", gateway=self._gateway_id)
            return
        try:
            await Horizons(self._database).remove(self._gateway_id)
        except LogUnavailableError as error:
            _log.warning("horizon not removed", error=str(error))


def _new_id() -> str:
    return uuid4().hex[:12]
