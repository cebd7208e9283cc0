"""A gateway's horizon: the moment up to which everything it was told is in the log.

The relay's watermark never passes a horizon, so a command that waits in a queue holds media back instead of being
overtaken by it. Clocks of gateways and workers are taken to be in step (NTP).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import asyncpg

from shared.eventsourcing.outages import outages_told
from shared.runtime.clock import Clock

#: A gateway that has not renewed its horizon for this long is taken for dead: nobody can say anything through it.
_DEAD_AFTER = timedelta(seconds=5)

_TICK = timedelta(microseconds=1)


class Horizon:
    """Keeps count of what was said to one gateway and is not in the log yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: list[datetime] = []
        self._last = clock()

    @contextmanager
    def saying(self) -> Iterator[datetime]:
        """Yield the moment at which something was said, and hold the horizon there until it is in the log."""
        # Later than any horizon that was told, even when the clock was set back.
        moment = max(self._clock(), self._last + _TICK)
        self._open.append(moment)
        try:
            yield moment
        finally:
            self._open.remove(moment)

    def known_until(self) -> datetime:
        """Return the horizon: just before the oldest word that is not in the log, or now. Never goes back."""
        self._last = max(self._last, min(self._open) - _TICK if self._open else self._clock())
        return self._last


class Horizons:
    """The horizons of all live gateways, in Postgres. Each method raises LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def renew(self, gateway: str, known_until: datetime) -> None:
        with outages_told():
            await self._pool.execute(
                """INSERT INTO gateway_horizons (gateway, known_until) VALUES ($1, $2)
                   ON CONFLICT (gateway) DO UPDATE SET known_until = $2, renewed_at = clock_timestamp()""",
                gateway,
                known_until,
            )

    async def remove(self, gateway: str) -> None:
        with outages_told():
            await self._pool.execute("DELETE FROM gateway_horizons WHERE gateway = $1", gateway)

    async def oldest(self) -> datetime | None:
        """Return the lowest horizon of all live gateways; None when there is no live gateway."""
        with outages_told():
            moment: datetime | None = await self._pool.fetchval(
                "SELECT min(known_until) FROM gateway_horizons WHERE renewed_at > clock_timestamp() - $1::interval",
                _DEAD_AFTER,
            )
        return moment
