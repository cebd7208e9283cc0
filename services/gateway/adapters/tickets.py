"""Tickets: what lets a client open the signaling WebSocket once, within 30 s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from services.gateway.adapters.codes import CODE_LENGTH, digest_of, draw_code
from shared.contracts.room import Role
from shared.eventsourcing.outages import outages_told

LENGTH = CODE_LENGTH
_LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in where."""

    room_id: str
    participant_id: str
    role: Role
    #: Digest of the resumption that was given with the ticket, by which it is refreshed while they are connected.
    resumption: bytes


class Tickets:
    """Tickets in Postgres, so that any gateway honours any gateway's. Each method raises LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def issue(self, admission: Admission) -> str:
        """Return a new ticket, and sweep out those that nobody used in time."""
        ticket = draw_code()
        with outages_told():
            await self._pool.execute(
                """WITH swept AS (
                       DELETE FROM tickets WHERE digest IN (
                           SELECT digest FROM tickets WHERE expires_at < clock_timestamp() FOR UPDATE SKIP LOCKED)
                   )
                   INSERT INTO tickets (digest, room_id, participant_id, role, resumption, expires_at)
                   VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6::interval)""",
                digest_of(ticket),
                admission.room_id,
                admission.participant_id,
                admission.role,
                admission.resumption,
                _LIFETIME,
            )
        return ticket

    async def redeem(self, ticket: str) -> Admission | None:
        """Return whom the ticket admits, and void it. None when it is unknown, used or expired."""
        with outages_told():
            row = await self._pool.fetchrow(
                """DELETE FROM tickets WHERE digest = $1
                   RETURNING room_id, participant_id, role, resumption, expires_at > clock_timestamp() AS valid""",
                digest_of(ticket),
            )
        if row is None or not row["valid"]:
            return None
        return Admission(row["room_id"], row["participant_id"], row["role"], row["resumption"])
