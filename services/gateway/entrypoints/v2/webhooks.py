"""REST v2: webhooks."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.gateway.entrypoints.bearer import actor, require_any_participant, require_moderator
from shared.concurrency.clock import Clock
from shared.contracts.reply import Accepted
from shared.contracts.webhook import ResendWebhook
from shared.eventsourcing.codec import Context
from shared.messaging.asking import Owners
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


def webhooks_router(owners: Owners, clock: Clock, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/webhooks")

    @router.post("/{webhook_id}/resend")
    async def resend_webhook(webhook_id: UUID, authorization: Authorization = None) -> str:
        """Have a webhook posted again, whatever came of it before: the same bytes with the same `webhook-id`."""
        identity = tokens.read(authorization)
        identity.require_rest()
        require_moderator(identity)
        require_any_participant(identity)
        by = actor(identity)
        # Which room it is of is the notifier's to know, and whether the bearer is bound to another one.
        command = ResendWebhook(at=clock(), webhook_id=webhook_id, requested_by=by, room_id=identity.room_id)
        await owners.ask(command, Context.begin(by), Accepted)
        return "webhook is being sent again."

    return router
