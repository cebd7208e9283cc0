"""One event that is told to one target, until the target has it or is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, assert_never
from uuid import UUID

from shared.contracts.webhook import WebhookDelivered, WebhookFailed, WebhookResendRequested, WebhookTargetDisabled
from shared.eventsourcing.decider import Decider

#: The target says that it is gone for good (RFC 9110, section 15.5.11).
_GONE = 410

#: `given_up`: not posted again by itself. `disabled`: not before its target is heard again.
Outcome = Literal["pending", "delivered", "given_up", "disabled"]

# ----------------------------------------------------- events: the stored format, defined in shared/contracts/webhook

WebhookHappened = WebhookDelivered | WebhookFailed | WebhookTargetDisabled | WebhookResendRequested

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the target has once, it has: a later attempt that fails takes nothing away."""

    outcome: Outcome = "pending"
    attempts: int = 0
    #: Somebody asked for it again, and it has not been posted since.
    resend_asked: bool = False


def evolve(webhook: Webhook, event: WebhookHappened) -> Webhook:
    match event:
        case WebhookDelivered():
            return Webhook("delivered", event.attempt)
        case WebhookFailed():
            outcome: Outcome = "pending" if event.retry_at else "given_up"
            return Webhook(_unless_delivered(webhook, outcome), event.attempt)
        case WebhookTargetDisabled():
            return replace(webhook, outcome=_unless_delivered(webhook, "disabled"))
        case WebhookResendRequested():
            return replace(webhook, resend_asked=True)
        case _:
            assert_never(event)


def _unless_delivered(webhook: Webhook, outcome: Outcome) -> Outcome:
    return "delivered" if webhook.outcome == "delivered" else outcome


# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class _About:
    room_id: str
    event_id: UUID
    url: str
    webhook_type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportAttempt(_About):
    """The target was posted to: it answered with `status`, or `reason` says why it did not."""

    #: Counted from 1.
    attempt: int
    body: str
    duration_ms: int
    status: int | None = None
    reason: str = ""
    #: When it is posted again, should it have failed; None: not by itself.
    retry_at: datetime | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class RequestResend(_About):
    """Post it again, whatever came of it before."""

    requested_by: str


WebhookCommand = ReportAttempt | RequestResend

# ---------------------------------------------------------------------------------------------------------- decide


def decide(webhook: Webhook, command: WebhookCommand) -> list[WebhookHappened]:
    match command:
        case ReportAttempt():
            return _report(webhook, command)
        case RequestResend():
            if webhook.resend_asked:
                return []
            return [WebhookResendRequested(**_about(command), requested_by=command.requested_by)]
        case _:
            assert_never(command)


def _report(webhook: Webhook, command: ReportAttempt) -> list[WebhookHappened]:
    if command.attempt <= webhook.attempts and not _is_news(webhook, command):
        return []
    attempt: dict[str, Any] = {
        **_about(command),
        "attempt": max(command.attempt, webhook.attempts + 1),
        "duration_ms": command.duration_ms,
        "body": command.body if webhook.attempts == 0 else None,
    }
    if command.succeeded:
        return [WebhookDelivered(**attempt, status=command.status)]
    reason = command.reason or f"the target answered {command.status}"
    if command.status == _GONE:
        failed = WebhookFailed(**attempt, status=command.status, reason=reason)
        return [failed, WebhookTargetDisabled(**_about(command))]
    return [WebhookFailed(**attempt, status=command.status, reason=reason, retry_at=command.retry_at)]


def _is_news(webhook: Webhook, command: ReportAttempt) -> bool:
    """Whether it arrived after all: two processes posted the same attempt, and the other's failed."""
    return command.succeeded and webhook.outcome != "delivered"


def _about(command: WebhookCommand) -> dict[str, Any]:
    return {name: getattr(command, name) for name in ("at", "room_id", "event_id", "url", "webhook_type")}


WEBHOOK = Decider(Webhook(), evolve, decide)
