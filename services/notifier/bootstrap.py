"""Puts the notifier together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.notifier.adapters.http import HttpPoster
from services.notifier.delivery import Delivery
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX, WebhookOutbox
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.supervision import supervised


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[ProjectionRunner]:
    """Run it while the context lasts; yield what keeps its outbox."""
    poster = HttpPoster()
    delivery = Delivery(WebhookOutbox(infrastructure.database), infrastructure.store, poster, infrastructure.clock)
    outbox = ProjectionRunner(WEBHOOK_OUTBOX, infrastructure.store, infrastructure.database, delivery.run)
    try:
        async with supervised(outbox.run()):
            yield outbox
    finally:
        await poster.close()
