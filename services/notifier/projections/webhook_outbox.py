"""The webhook outbox: what is still to be posted.

What happens in a room with a webhook gets a row here, and the outcome of posting it takes the row away. So it is never
forgotten, and a rebuild does not bring back what was posted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from services.notifier.payload import webhook_body
from shared.contracts.participant_recording import ParticipantRecordingEvent
from shared.contracts.recording import RecordingEvent
from shared.contracts.room import RoomCreated
from shared.contracts.webhook import WebhookDelivered, WebhookEvent, WebhookFailed
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.projection import Projection, Told

_TABLES = """
CREATE TABLE targets (
    room_id text PRIMARY KEY,
    url text NOT NULL
);
CREATE TABLE webhooks (
    -- The event that is told.
    event_id uuid PRIMARY KEY,
    global_position bigint NOT NULL UNIQUE,
    correlation_id uuid NOT NULL,
    room_id text NOT NULL,
    -- Those of a session are posted in order. At most one recording runs in it at a time.
    session_id text NOT NULL,
    url text NOT NULL,
    -- Who answers at that url.
    host text NOT NULL,
    -- The bytes that are posted.
    body bytea NOT NULL,
    at timestamptz NOT NULL
);
"""

_TARGETS = "SELECT room_id, url FROM targets WHERE room_id = ANY ($1)"
_ADD_TARGETS = """INSERT INTO targets SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (room_id) DO UPDATE SET url = excluded.url"""
_REMOVE = "DELETE FROM webhooks WHERE event_id = ANY ($1)"

_FIELDS = ("event_id", "global_position", "correlation_id", "room_id", "session_id", "url", "host", "body", "at")
_DUE = """SELECT event_id, global_position, correlation_id, room_id, session_id, url, host, body, at
    FROM webhook_outbox.webhooks
    WHERE session_id <> ALL ($1) AND host <> ALL ($2) AND event_id <> ALL ($3)
    ORDER BY global_position LIMIT $4"""
_STILL_THERE = "SELECT event_id FROM webhook_outbox.webhooks WHERE event_id = ANY ($1)"


@dataclass(frozen=True, slots=True)
class Due:
    """A webhook to post."""

    event_id: UUID
    global_position: int
    correlation_id: UUID
    room_id: str
    session_id: str
    url: str
    host: str
    body: bytes
    at: datetime


class WebhookOutbox:
    """Reads the live outbox. Its methods raise LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def due(
        self, limit: int, sessions: Collection[str] = (), hosts: Collection[str] = (), events: Collection[UUID] = ()
    ) -> list[Due]:
        """Return the oldest webhooks that are of none of these sessions, hosts and events, in order."""
        with outages_told():
            rows = await self._pool.fetch(_DUE, list(sessions), list(hosts), list(events), limit)
        return [Due(*row) for row in rows]

    async def still_there(self, events: Collection[UUID]) -> set[UUID]:
        with outages_told():
            rows = await self._pool.fetch(_STILL_THERE, list(events))
        return {row["event_id"] for row in rows}


async def _apply(connection: asyncpg.Connection, told: Sequence[Told]) -> None:
    rooms = {event.room_id for event, _ in told if isinstance(event, RecordingEvent | ParticipantRecordingEvent)}
    page = _Page(dict(await connection.fetch(_TARGETS, list(rooms))))
    for each in told:
        page.take(each)
    await connection.execute(_ADD_TARGETS, list(page.new_targets), list(page.new_targets.values()))
    await connection.execute(_REMOVE, page.ended)
    await connection.copy_records_to_table("webhooks", records=page.rows(), columns=_FIELDS)


class _Page:
    """What a page of events changes."""

    def __init__(self, targets: dict[str, str]) -> None:
        self._targets = targets
        self._due: dict[UUID, Due] = {}
        self.new_targets: dict[str, str] = {}
        #: Events whose outcome is known.
        self.ended: list[UUID] = []

    def take(self, told: Told) -> None:
        event, stored = told
        if isinstance(event, RoomCreated):
            if event.webhook_url:
                self.new_targets[event.room_id] = self._targets[event.room_id] = event.webhook_url
        elif isinstance(event, WebhookEvent):
            self.ended.append(event.event_id)
            self._due.pop(event.event_id, None)
        elif (url := self._targets.get(getattr(event, "room_id", ""))) and (due := _due(told, url)):
            self._due[stored.id] = due

    def rows(self) -> Iterable[tuple[object, ...]]:
        return [tuple(getattr(due, name) for name in _FIELDS) for due in self._due.values()]


def _due(told: Told, url: str) -> Due | None:
    event, stored = told
    body = webhook_body(event)
    if body is None or not isinstance(event, RecordingEvent | ParticipantRecordingEvent):
        return None
    position = stored.global_position or 0
    return Due(
        stored.id, position, stored.correlation_id, event.room_id, event.session_id, url, _host(url), body, event.at
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return url  # nobody answers there


WEBHOOK_OUTBOX = Projection(
    "webhook_outbox",
    1,
    _TABLES,
    (RoomCreated, RecordingEvent, ParticipantRecordingEvent, WebhookDelivered, WebhookFailed),
    _apply,
)
