"""Webhooks: what the notifier posted for which event, and how that went."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from shared.contracts.identifiers import RoomId
from shared.contracts.message import Event


def webhook_stream(event_id: UUID) -> str:
    """One stream for each event that is told to a webhook."""
    return f"webhook-{event_id}"


class WebhookEvent(Event):
    room_id: RoomId
    #: The event that is told.
    event_id: UUID
    url: str

    @property
    def stream(self) -> str:
        return webhook_stream(self.event_id)


class WebhookDelivered(WebhookEvent):
    type: ClassVar[str] = "webhook.delivered.v1"

    status: int


class WebhookFailed(WebhookEvent):
    type: ClassVar[str] = "webhook.failed.v1"

    reason: str
