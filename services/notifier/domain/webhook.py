"""One event that is told to a room's webhook, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never
from uuid import UUID

from shared.contracts.webhook import WebhookDelivered, WebhookFailed
from shared.eventsourcing.decider import Decider

# ----------------------------------------------------- events: the stored format, defined in shared/contracts/webhook

WebhookHappened = WebhookDelivered | WebhookFailed

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Webhook:
    attempted: bool = False


def evolve(webhook: Webhook, event: WebhookHappened) -> Webhook:  # noqa: ARG001  one attempt is all there is
    match event:
        case WebhookDelivered() | WebhookFailed():
            return Webhook(attempted=True)
        case _:
            assert_never(event)


# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class ReportAttempt:
    """The target was posted to: it answered with `status`, or `reason` says why it did not."""

    room_id: str
    event_id: UUID
    url: str
    at: datetime
    status: int | None = None
    reason: str = field(default="")

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


# ---------------------------------------------------------------------------------------------------------- decide


def decide(webhook: Webhook, command: ReportAttempt) -> list[WebhookHappened]:
    if webhook.attempted:
        return []
    about = {"at": command.at, "room_id": command.room_id, "event_id": command.event_id, "url": command.url}
    if command.succeeded:
        return [WebhookDelivered(**about, status=command.status)]
    return [WebhookFailed(**about, reason=command.reason or f"the target answered {command.status}")]


WEBHOOK = Decider(Webhook(), evolve, decide)
