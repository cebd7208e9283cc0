"""A gateway's horizon: the moment up to which everything it was told is in the log.

The relay's watermark never passes a horizon, so a command that waits in a queue holds media back instead of being
overtaken by it. Clocks of gateways and workers are taken to be in step (NTP).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared.eventsourcing.outages import outages_told
from shared.runtime.clock import Clock

#: Seconds without a renewal after which a gateway is taken for dead: nobody can say anything through it.
DEAD_AFTER = 5.0
#: Seconds that count as watching between two looks; what is longer was a pause.
_LONGEST_LOOK = 0.5

_TICK = timedelta(microseconds=1)


class Horizon:
    """Keeps count of what was said to one gateway and is not in the log yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: list[datetime] = []
        #: Moments of which nobody knows whether they will be in the log, each with when that is over.
        self._undecided: list[tuple[datetime, datetime]] = []
        self._last = clock()

    @contextmanager
    def saying(
        self, undecided: tuple[type[BaseException], ...] = (), lingering: timedelta = timedelta()
    ) -> Iterator[datetime]:
        """Yield the moment at which something was said, and hold the horizon there until it is in the log.

        Errors that are `undecided` leave open whether it will be: the horizon is held so much longer.
        """
        # Later than any horizon that was told, even when the clock was set back.
        moment = max(self._clock(), self._last + _TICK)
        self._open.append(moment)
        try:
            yield moment
        except undecided:
            self._undecided.append((moment, self._clock() + lingering))
            raise
        finally:
            self._open.remove(moment)

    def known_until(self) -> datetime:
        """Return the horizon: just before the oldest word that is not in the log, or now. Never goes back."""
        now = self._clock()
        self._undecided = [(moment, until) for moment, until in self._undecided if until > now]
        held = [*self._open, *(moment for moment, _ in self._undecided)]
        self._last = max(self._last, min(held) - _TICK if held else now)
        return self._last


@dataclass(frozen=True, slots=True)
class GatewayHorizon:
    """What one gateway last told."""

    gateway: str
    known_until: datetime
    #: By the database's clock.
    renewed_at: datetime


class Horizons:
    """The horizons of all gateways, in Postgres. Each method raises LogUnavailableError."""

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

    async def all(self) -> list[GatewayHorizon]:
        with outages_told():
            rows = await self._pool.fetch("SELECT gateway, known_until, renewed_at FROM gateway_horizons")
        return [GatewayHorizon(*row) for row in rows]


class GatewayWatch:
    """Tells live gateways from dead ones, by whether they renew their horizons while we watch.

    A pause of our own, as when the database was away, is no sign of anybody's death: it is hardly counted.
    """

    def __init__(self, now: float) -> None:
        self._looked_at = now
        #: Seconds that we have been watching.
        self._watched = 0.0
        #: Each gateway's newest renewal, and when we first saw it.
        self._renewals: dict[str, tuple[datetime, float]] = {}

    def look(self, horizons: Sequence[GatewayHorizon], now: float) -> tuple[datetime | None, list[str]]:
        """Return the lowest horizon of the living, None when nobody lives, and who is dead.

        `now` is in seconds of a clock that is never set.
        """
        self._watched += min(now - self._looked_at, _LONGEST_LOOK)
        self._looked_at = now
        self._renewals = {each.gateway: self._renewal(each) for each in horizons}
        living = [each.known_until for each in horizons if not self._is_dead(each.gateway)]
        return min(living, default=None), [each.gateway for each in horizons if self._is_dead(each.gateway)]

    def _renewal(self, horizon: GatewayHorizon) -> tuple[datetime, float]:
        known = self._renewals.get(horizon.gateway)
        return known if known and known[0] == horizon.renewed_at else (horizon.renewed_at, self._watched)

    def _is_dead(self, gateway: str) -> bool:
        return self._watched - self._renewals[gateway][1] >= DEAD_AFTER
