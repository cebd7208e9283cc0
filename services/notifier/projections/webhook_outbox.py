"""The webhook outbox: what is to be posted when, and what came of what was posted.

Each event that a target hears of gets a row for that target, and what came of an attempt changes the row. So nothing is
forgotten, and a rebuild does not bring back what was posted. Rows stay: they are what `onrecord webhooks` shows.

A row has a `next_at` if it is to be posted then: the first pending one of its order, or one that somebody had resent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg

from services.notifier.payload import Payload, payload
from services.notifier.projections import outbox_tables as sql
from services.notifier.projections.subjects import Subjects, subject_of
from shared.contracts.merge import MergeEvent
from shared.contracts.participant_recording import ParticipantRecordingEvent
from shared.contracts.recording import RecordingEvent
from shared.contracts.room import ParticipantJoined, ParticipantLeft, RoomCreated, SessionEnded, SessionStarted
from shared.contracts.webhook import (
    WebhookDelivered,
    WebhookEvent,
    WebhookFailed,
    WebhookResendRequested,
    WebhookTargetDisabled,
    webhook_id,
)
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection import Projection, Told


async def _apply(connection: asyncpg.Connection, page: Sequence[Told]) -> None:
    known = await Subjects.of(connection, page)
    rooms = sorted({getattr(event, "room_id", "") for event, _ in page})
    disabled = {(room_id, url) for room_id, url in await connection.fetch(sql.DISABLED, rooms)}
    changes = _Changes(connection, known, disabled)
    for told in page:
        await changes.take(told)
    await changes.write()
    await known.save(connection)


@dataclass(slots=True)
class _Changes:
    """What a page changes. Rows and outcomes are written together; what concerns a whole target, in between."""

    connection: asyncpg.Connection
    known: Subjects
    #: Room and URL of targets that are gone.
    disabled: set[tuple[str, str]]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[tuple[Any, ...]] = field(default_factory=list)
    orders: set[UUID] = field(default_factory=set)

    async def take(self, told: Told) -> None:
        event, stored = told
        match event:
            case WebhookDelivered() | WebhookFailed():
                self._note(event, stored.position)
                if isinstance(event, WebhookDelivered) and (event.room_id, event.url) in self.disabled:
                    await self._enable(event)
            case WebhookTargetDisabled():
                await self._disable(event, stored.position)
            case WebhookResendRequested():
                await self.write()
                await self.connection.execute(sql.RESEND, webhook_id(event.event_id, event.url), stored.position)
            case RoomCreated():
                self.known.hear(told)
            case _:
                said = payload(event, self.known.known(event))
                self.known.hear(told)
                self._tell(event, stored, said)

    async def write(self) -> None:
        """Write what was noted so far."""
        if self.rows:
            await self.connection.copy_records_to_table("webhooks", records=self.rows, columns=sql.FIELDS)
        if self.outcomes:
            await self.connection.executemany(sql.OUTCOME, self.outcomes)
            told = await self.connection.fetch(sql.ORDERS, [outcome[0] for outcome in self.outcomes])
            self.orders |= {row["order_key"] for row in told}
        if self.orders:
            await self.connection.execute(sql.TAKE_TURNS, sorted(self.orders))
            await self.connection.execute(sql.GIVE_TURNS, sorted(self.orders))
        self.rows, self.outcomes, self.orders = [], [], set()

    def _tell(self, event: Any, stored: StoredEvent, said: Payload | None) -> None:
        if said is None:
            return
        body, subject = said.encode(), subject_of(event)
        for url in self.known.targets(event, said.webhook_type):
            order = order_key(subject, url)
            state = "disabled" if (event.room_id, url) in self.disabled else "pending"
            about = (event.room_id, event.session_id, subject, order, url, _host(url), said.webhook_type, body)
            place = (webhook_id(stored.id, url), stored.id, stored.global_position, stored.correlation_id)
            self.rows.append((*place, *about, event.at, state))
            self.orders.add(order)

    def _note(self, event: WebhookDelivered | WebhookFailed, position: int) -> None:
        name = webhook_id(event.event_id, event.url)
        body = event.body.encode() if event.body is not None else None
        reason, retry_at = (event.reason, event.retry_at) if isinstance(event, WebhookFailed) else (None, None)
        outcome = (event.at, event.status, reason, event.duration_ms, position, body, retry_at, self._state(event))
        self.outcomes.append((name, *outcome, event.attempt))

    def _state(self, event: WebhookDelivered | WebhookFailed) -> str:
        if isinstance(event, WebhookDelivered):
            return "delivered"
        if event.retry_at is None:
            return "given_up"
        return "disabled" if (event.room_id, event.url) in self.disabled else "pending"

    async def _disable(self, event: WebhookTargetDisabled, position: int) -> None:
        await self.write()
        self.disabled.add((event.room_id, event.url))
        await self.connection.execute(sql.DISABLE, event.room_id, event.url)
        await self.connection.execute(sql.HOLD, event.room_id, event.url)
        await self.connection.execute(sql.HOLD_ITSELF, webhook_id(event.event_id, event.url), position)

    async def _enable(self, event: WebhookDelivered) -> None:
        await self.write()
        self.disabled.remove((event.room_id, event.url))
        await self.connection.execute(sql.ENABLE, event.room_id, event.url)
        orders = await self.connection.fetch(sql.LET_GO, event.room_id, event.url)
        self.orders |= {row["order_key"] for row in orders}


def order_key(subject: str, url: str) -> UUID:
    """Return what names a subject and a target."""
    return uuid5(NAMESPACE_URL, f"{subject} {url}")


def _host(url: str) -> str:
    try:
        parsed = urlsplit(url)
        port = parsed.port or parsed.scheme
    except ValueError:
        return url  # nobody answers there
    return f"{parsed.hostname}:{port}"


WEBHOOK_OUTBOX = Projection(
    "webhook_outbox",
    4,
    sql.TABLES,
    (
        RoomCreated,
        SessionStarted,
        SessionEnded,
        ParticipantJoined,
        ParticipantLeft,
        RecordingEvent,
        ParticipantRecordingEvent,
        MergeEvent,
        WebhookEvent,
    ),
    _apply,
)
