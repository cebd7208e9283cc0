"""Resumptions: what lets a client that lost its connection come back as the same participant, once, within 120 s."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from services.gateway.adapters.codes import digest_of, draw_code
from shared.eventsourcing.outages import outages_told

_LIFETIME = timedelta(seconds=120)
#: Expired ones stay so long, as their participants may be connected still: a database that was away is not refreshed.
_SWEPT_AFTER = timedelta(hours=1)


class Resumptions:
    """Resumptions in Postgres, timed by its clock. Each method raises LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def issue(self, room_id: str, participant_id: str) -> str:
        """Return a new resumption, and sweep out those that expired long ago."""
        resumption = draw_code()
        with outages_told():
            await self._pool.execute(
                """WITH swept AS (
                       DELETE FROM resumptions WHERE digest IN (
                           SELECT digest FROM resumptions WHERE expires_at < clock_timestamp() - $5::interval
                           FOR UPDATE SKIP LOCKED)
                   )
                   INSERT INTO resumptions (digest, room_id, participant_id, expires_at)
                   VALUES ($1, $2, $3, clock_timestamp() + $4::interval)""",
                digest_of(resumption),
                room_id,
                participant_id,
                _LIFETIME,
                _SWEPT_AFTER,
            )
        return resumption

    async def holder(self, resumption: str, room_id: str) -> str | None:
        """Return whose it is. None when it is unknown, used, expired or of another room."""
        with outages_told():
            participant_id: str | None = await self._pool.fetchval(
                """SELECT participant_id FROM resumptions
                   WHERE digest = $1 AND room_id = $2 AND expires_at > clock_timestamp()""",
                digest_of(resumption),
                room_id,
            )
        return participant_id

    async def redeem(self, resumption: str, room_id: str) -> str | None:
        """Return whose it is, and void it. None as with `holder`, and for all but one who redeem it at once."""
        with outages_told():
            participant_id: str | None = await self._pool.fetchval(
                """DELETE FROM resumptions
                   WHERE digest = $1 AND room_id = $2 AND expires_at > clock_timestamp()
                   RETURNING participant_id""",
                digest_of(resumption),
                room_id,
            )
        return participant_id

    async def refresh(self, digests: Sequence[bytes]) -> None:
        """Let those of connected participants begin their time anew. Used ones stay used."""
        if not digests:
            return
        with outages_told():
            await self._pool.execute(
                """UPDATE resumptions SET expires_at = clock_timestamp() + $2::interval
                   WHERE digest = ANY($1::bytea[])""",
                digests,
                _LIFETIME,
            )
