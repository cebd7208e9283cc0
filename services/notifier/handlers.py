"""What the notifier is asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.notifier.domain.webhook import WEBHOOK, RequestResend, Webhook, WebhookCommand, WebhookHappened
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from shared.contracts.webhook import ResendWebhook, webhook_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import ACCEPTED, Message


class WebhookNotFoundError(RefusedError):
    """There is no webhook of that id, or none of the room that the bearer is bound to."""

    code = "webhook_not_found"

    def __init__(self, webhook_id: UUID) -> None:
        super().__init__(f"there is no webhook {webhook_id}: onrecord webhooks list shows those there are")
        self.webhook_id = webhook_id


class Resending:
    """Has webhooks posted again."""

    def __init__(self, outbox: WebhookOutbox, store: EventStore) -> None:
        self._outbox = outbox
        self._webhooks: CommandHandler[Webhook, WebhookCommand, WebhookHappened] = CommandHandler(store, WEBHOOK)

    async def resend(
        self, webhook_id: UUID, requested_by: str, at: datetime, context: Context, room_id: str | None = None
    ) -> None:
        """Write down that it is asked for; delivery does it. Raises WebhookNotFoundError, also for another room's."""
        webhook = await self._outbox.find(webhook_id)
        if webhook is None or room_id not in (None, webhook.room_id):
            raise WebhookNotFoundError(webhook_id)
        about = (webhook.room_id, webhook.event_id, webhook.url, webhook.webhook_type, at)
        await self._webhooks.handle_once(
            webhook_stream(webhook.event_id, webhook.url), RequestResend(*about, requested_by), context
        )


def notifier_answerer(resending: Resending) -> Answerer:
    """Return what answers the notifier's commands."""

    async def resend(command: ResendWebhook, context: Context) -> Message:
        try:
            await resending.resend(command.webhook_id, command.requested_by, command.at, context, command.room_id)
        except asyncpg.UndefinedTableError as error:
            raise WebhookNotFoundError(command.webhook_id) from error  # the outbox is not built yet
        return ACCEPTED

    return answering({ResendWebhook: resend})
