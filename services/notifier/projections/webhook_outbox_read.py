"""Reads the projection of webhooks to post."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.eventsourcing.outages import outages_told

_FIELDS = """id, event_id, correlation_id, room_id, order_key, global_position, url, host, webhook_type, body, at,
    resent, stream_position"""
_DUE = f"""SELECT {_FIELDS} FROM webhook_outbox.webhooks
    WHERE next_at <= $1 AND order_key <> ALL ($2) AND url <> ALL ($3) AND host <> ALL ($4) AND id <> ALL ($5)
    ORDER BY next_at, global_position LIMIT $6"""  # noqa: S608  nothing but the list above
_NEXT = f"""SELECT {_FIELDS} FROM webhook_outbox.webhooks
    WHERE order_key = $1 AND global_position > $2 AND state = 'pending' AND due_at <= $3
    ORDER BY global_position LIMIT 1"""  # noqa: S608
_FIND = f"SELECT {_FIELDS} FROM webhook_outbox.webhooks WHERE id = $1"  # noqa: S608
_NEXT_AT = "SELECT min(next_at) FROM webhook_outbox.webhooks WHERE next_at > $1"
_POSITIONS = "SELECT id, stream_position FROM webhook_outbox.webhooks WHERE id = ANY ($1)"

_SHOWN = """id, event_id, room_id, session_id, url, webhook_type, at, state, attempts, next_at, last_at, last_status,
    last_reason"""
_LIST = f"""SELECT {_SHOWN} FROM webhook_outbox.webhooks
    WHERE ($1::text IS NULL OR room_id = $1) AND ($2::text IS NULL OR state = $2)
    ORDER BY global_position DESC, id LIMIT $3"""  # noqa: S608  nothing but the list above
_ONE = f"SELECT {_SHOWN}, body FROM webhook_outbox.webhooks WHERE id = $1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Due:
    """A webhook to post."""

    id: UUID
    event_id: UUID
    correlation_id: UUID
    room_id: str
    order_key: UUID
    global_position: int
    url: str
    host: str
    webhook_type: str
    body: bytes
    at: datetime
    #: Somebody asked for it, out of order.
    resent: bool
    #: How many events of its own stream are in this.
    stream_position: int


class WebhookOutbox:
    """Reads the live outbox. Its methods raise LogUnavailableError, and asyncpg's errors while there is none."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def due(
        self,
        at: datetime,
        limit: int,
        orders: Collection[UUID] = (),
        urls: Collection[str] = (),
        hosts: Collection[str] = (),
        webhooks: Collection[UUID] = (),
    ) -> list[Due]:
        """Return what is due longest, and is of none of these orders, targets, hosts and webhooks."""
        with outages_told():
            rows = await self._pool.fetch(_DUE, at, list(orders), list(urls), list(hosts), list(webhooks), limit)
        return [Due(*row) for row in rows]

    async def following(self, due: Due, at: datetime) -> Due | None:
        """Return what comes after it in its order, if that may be posted at once."""
        with outages_told():
            row = await self._pool.fetchrow(_NEXT, due.order_key, due.global_position, at)
        return Due(*row) if row else None

    async def find(self, webhook_id: UUID) -> Due | None:
        with outages_told():
            row = await self._pool.fetchrow(_FIND, webhook_id)
        return Due(*row) if row else None

    async def next_at(self, at: datetime) -> datetime | None:
        """Return when the next one is due that is not due yet."""
        with outages_told():
            moment: datetime | None = await self._pool.fetchval(_NEXT_AT, at)
        return moment

    async def behind(self, positions: Mapping[UUID, int]) -> dict[UUID, int]:
        """Return those of the webhooks whose row does not know of their stream up to the position yet."""
        with outages_told():
            rows = await self._pool.fetch(_POSITIONS, list(positions))
        known = {row["id"]: row["stream_position"] for row in rows}
        return {each: position for each, position in positions.items() if known.get(each, 0) < position}

    async def listed(self, room_id: str | None, state: str | None, limit: int) -> list[asyncpg.Record]:
        """Return the newest ones as people are shown them; None: of any room, in any state."""
        with outages_told():
            return list(await self._pool.fetch(_LIST, room_id, state, limit))

    async def shown(self, webhook_id: UUID) -> asyncpg.Record | None:
        """Return one as people are shown it, with its body."""
        with outages_told():
            return await self._pool.fetchrow(_ONE, webhook_id)
