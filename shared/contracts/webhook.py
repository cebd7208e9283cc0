"""Webhooks: what the notifier posted for which event to whom, and how that went."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID, uuid5

from pydantic import NonNegativeInt, PositiveInt

from shared.contracts.identifiers import Moment, RoomId
from shared.contracts.message import Command, Event


def webhook_id(event_id: UUID, url: str) -> UUID:
    """Return the id of what is told of an event to a target: the same however often it is posted."""
    return uuid5(event_id, url)


def webhook_stream(event_id: UUID, url: str) -> str:
    """One stream for each event and each target that it is told to."""
    return f"webhook-{webhook_id(event_id, url)}"


class ResendWebhook(Command):
    """Gateway to notifier: post it again, whatever came of it before."""

    type: ClassVar[str] = "webhook.resend.v1"
    owner: ClassVar[str] = "notifier"
    lapses: ClassVar[bool] = True

    webhook_id: UUID
    requested_by: str
    #: The room that the bearer is bound to; None: any.
    room_id: RoomId | None = None


class WebhookEvent(Event):
    room_id: RoomId
    #: The event that is told.
    event_id: UUID
    url: str
    #: What it is called there, for instance `participant-recording-started`.
    webhook_type: str = ""

    @property
    def stream(self) -> str:
        return webhook_stream(self.event_id, self.url)


class _Attempted(WebhookEvent):
    """`at` is when it was known how it went."""

    #: Counted from 1.
    attempt: PositiveInt = 1
    duration_ms: NonNegativeInt = 0
    #: What was posted, told with the first attempt: later ones post the same bytes.
    body: str | None = None


class WebhookDelivered(_Attempted):
    """The target answered with a status from 200 to 299."""

    type: ClassVar[str] = "webhook.delivered.v1"

    status: int


class WebhookFailed(_Attempted):
    """The target answered otherwise, or not at all."""

    type: ClassVar[str] = "webhook.failed.v1"

    #: For people. Nothing of what the target answered but its status.
    reason: str
    status: int | None = None
    #: When it is posted again; None: not by itself.
    retry_at: Moment | None = None


class WebhookTargetDisabled(WebhookEvent):
    """The target said that it is gone for good (410): the room's later webhooks are not posted to it."""

    type: ClassVar[str] = "webhook.target-disabled.v1"


class WebhookResendRequested(WebhookEvent):
    """Somebody had it posted again. A target that was disabled is heard again once it is delivered."""

    type: ClassVar[str] = "webhook.resend-requested.v1"

    requested_by: str
