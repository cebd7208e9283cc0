"""Tickets: what lets a client open the signaling WebSocket once, within 30 s."""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from shared.contracts.room import Role

LENGTH = 64
_LIFETIME = timedelta(seconds=30)
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in where."""

    room_id: str
    participant_id: str
    role: Role


class Tickets:
    """Tickets in Postgres, so that any gateway honours any gateway's."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def issue(self, admission: Admission) -> str:
        ticket = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
        await self._pool.execute("DELETE FROM tickets WHERE expires_at < clock_timestamp()")
        await self._pool.execute(
            """INSERT INTO tickets (digest, room_id, participant_id, role, expires_at)
               VALUES ($1, $2, $3, $4, clock_timestamp() + $5::interval)""",
            _digest(ticket),
            admission.room_id,
            admission.participant_id,
            admission.role,
            _LIFETIME,
        )
        return ticket

    async def redeem(self, ticket: str) -> Admission | None:
        """Return whom the ticket admits, and void it. None when it is unknown, used or expired."""
        row = await self._pool.fetchrow(
            """DELETE FROM tickets WHERE digest = $1
               RETURNING room_id, participant_id, role, expires_at > clock_timestamp() AS valid""",
            _digest(ticket),
        )
        return Admission(row["room_id"], row["participant_id"], row["role"]) if row and row["valid"] else None


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
