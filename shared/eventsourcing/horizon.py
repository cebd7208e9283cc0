"""A gateway's horizon: the moment up to which everything it was told is in the log.

The relay's watermark never passes a horizon, so a command that waits in a queue holds media back instead of being
overtaken by it. Clocks of gateways and workers are taken to be in step (NTP).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared.concurrency.clock import Clock
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.outages import outages_told

#: Seconds without a renewal after which a gateway is taken for dead: nobody can say anything through it.
DEAD_AFTER = 5.0
#: Seconds without a renewal after which a gateway takes no words any more: well before anybody takes it for dead.
FENCED_AFTER = 3.5
#: Seconds within which the participants of a dead gateway have to leave; after that the watermark waits no longer.
LEFT_WITHIN = 30.0
#: Seconds that count as watching between two looks; what is longer was a pause.
_LONGEST_LOOK = 0.5
#: Seconds for each statement: a renewal that comes later is worth nothing.
_STATEMENT_SECONDS = 1.0

#: The smallest step of a moment.
TICK = timedelta(microseconds=1)

#: What leaves open whether a word is in the log, and how long one that was begun may take: the database's own limit.
UNDECIDED: tuple[type[BaseException], ...] = (LogUnavailableError, asyncio.CancelledError)
DECIDING = timedelta(seconds=30)


class Horizon:
    """Keeps count of what was said to one gateway and is not in the log yet."""

    def __init__(self, clock: Clock, ticks: Callable[[], float] = time.monotonic) -> None:
        """`ticks` are seconds of a clock that is never set."""
        self._clock = clock
        self._ticks = ticks
        #: Until then the watermark heeds this horizon for certain.
        self._heeded_until = math.inf
        self._open: list[datetime] = []
        #: Moments of which nobody knows whether they will be in the log, each with when that is over.
        self._undecided: list[tuple[datetime, datetime]] = []
        self._last = clock()

    def renewed(self, asked_at: float) -> None:
        """Take note that a renewal that was asked for at that tick has come to pass."""
        self._heeded_until = asked_at + FENCED_AFTER

    def fence(self) -> None:
        """Take no words until it is renewed: the gateway was taken for dead."""
        self._heeded_until = -math.inf

    @property
    def is_fenced(self) -> bool:
        return self._ticks() >= self._heeded_until

    @property
    def holds_words(self) -> bool:
        """There are words that are not in the log yet, or of which nobody knows."""
        now = self._clock()
        return bool(self._open) or any(until > now for _, until in self._undecided)

    @contextmanager
    def saying(
        self, undecided: tuple[type[BaseException], ...] = UNDECIDED, lingering: timedelta = DECIDING
    ) -> Iterator[datetime]:
        """Yield the moment at which something was said, and hold the horizon there until it is in the log.

        Errors that are `undecided` leave open whether it will be: the horizon is held so much longer.
        Raises LogUnavailableError while the gateway is fenced: the watermark may not wait for what is said to it.
        """
        if self.is_fenced:
            raise LogUnavailableError("this gateway could not renew its horizon in time")
        with self.holding(undecided, lingering) as moment:
            yield moment

    @contextmanager
    def holding(
        self, undecided: tuple[type[BaseException], ...] = UNDECIDED, lingering: timedelta = DECIDING
    ) -> Iterator[datetime]:
        """Do so for what has to be taken even while the gateway is fenced: a no, and that somebody is gone."""
        # Later than any horizon that was told, even when the clock was set back.
        moment = max(self._clock(), self._last + TICK)
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
        self._last = max(self._last, min(held) - TICK if held else now)
        return self._last


@dataclass(frozen=True, slots=True)
class GatewayHorizon:
    """What one gateway last told."""

    gateway: str
    known_until: datetime
    #: By the database's clock.
    renewed_at: datetime
    #: It was taken for dead, and may not renew any more.
    lost: bool = False


class Horizons:
    """The horizons of all gateways, in Postgres. Each method raises LogUnavailableError, within seconds."""

    def __init__(self, database: asyncpg.Pool | asyncpg.Connection) -> None:
        self._database = database

    async def register(self, gateway: str, known_until: datetime) -> None:
        """Have a new gateway heeded."""
        await self._execute(
            "INSERT INTO gateway_horizons (gateway, known_until) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            gateway,
            known_until,
        )

    async def renew(self, gateway: str, known_until: datetime) -> bool:
        """Tell a gateway's horizon; False when it is lost or forgotten."""
        status = await self._execute(
            """UPDATE gateway_horizons SET known_until = $2, renewed_at = clock_timestamp()
               WHERE gateway = $1 AND NOT lost""",
            gateway,
            known_until,
        )
        return status == "UPDATE 1"

    async def lose(self, horizon: GatewayHorizon) -> None:
        """Take the gateway for dead, unless it has renewed since."""
        await self._execute(
            "UPDATE gateway_horizons SET lost = true WHERE gateway = $1 AND renewed_at = $2",
            horizon.gateway,
            horizon.renewed_at,
        )

    async def remove(self, gateway: str) -> None:
        await self._execute("DELETE FROM gateway_horizons WHERE gateway = $1", gateway)

    async def all(self) -> list[GatewayHorizon]:
        with outages_told():
            rows = await self._database.fetch("SELECT gateway, known_until, renewed_at, lost FROM gateway_horizons")
        return [GatewayHorizon(*row) for row in rows]

    async def _execute(self, statement: str, *arguments: object) -> str:
        with outages_told():
            status: str = await self._database.execute(statement, *arguments, timeout=_STATEMENT_SECONDS)
        return status


@dataclass(frozen=True, slots=True)
class Look:
    """What the horizons say."""

    #: The lowest that counts; None: there is none.
    known_until: datetime | None
    #: Whom to take for dead.
    silent: list[GatewayHorizon]
    #: Who is lost and waited for no longer.
    forgotten: list[str]


class GatewayWatch:
    """Tells live gateways from dead ones, by whether they renew their horizons while we watch.

    A dead one counts until its participants have left, for so long as somebody lives who could see to it.
    A pause of our own, as when the database was away, is no sign of anybody's death: it is hardly counted.
    """

    def __init__(self, now: float) -> None:
        self._looked_at = now
        #: Seconds that we have been watching.
        self._watched = 0.0
        #: Each gateway's newest renewal, and when we first saw it.
        self._renewals: dict[str, tuple[datetime, float]] = {}

    def look(self, horizons: Sequence[GatewayHorizon], now: float) -> Look:
        """Return what they say. `now` is in seconds of a clock that is never set."""
        self._watched += min(now - self._looked_at, _LONGEST_LOOK)
        self._looked_at = now
        self._renewals = {each.gateway: self._renewal(each) for each in horizons}
        silent = [each for each in horizons if not each.lost and self._silence(each) >= DEAD_AFTER]
        nobody_lives = all(each.lost for each in horizons)
        forgotten = {
            each.gateway
            for each in horizons
            if each.lost and (nobody_lives or self._silence(each) >= DEAD_AFTER + LEFT_WITHIN)
        }
        counting = [each.known_until for each in horizons if each.gateway not in forgotten]
        return Look(min(counting, default=None), silent, sorted(forgotten))

    def _renewal(self, horizon: GatewayHorizon) -> tuple[datetime, float]:
        known = self._renewals.get(horizon.gateway)
        return known if known and known[0] == horizon.renewed_at else (horizon.renewed_at, self._watched)

    def _silence(self, horizon: GatewayHorizon) -> float:
        return self._watched - self._renewals[horizon.gateway][1]
