"""Puts the notifier together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.notifier.adapters.http import HttpPoster
from services.notifier.delivery import AT_ONCE, Delivery
from services.notifier.handlers import Resending, notifier_answerer
from services.notifier.posting import Attempts
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from services.notifier.settings import NotifierSettings
from services.notifier.signing import Signer
from shared.concurrency.supervision import supervised
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.messaging.topology import NOTIFIER_COMMANDS
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.signing_keys import load_signing_key, load_webhook_secrets


@asynccontextmanager
async def running(infrastructure: Infrastructure, settings: NotifierSettings) -> AsyncIterator[ProjectionRunner]:
    """Run it while the context lasts; yield what keeps its outbox. Raises SettingError."""
    store, outbox, clock = infrastructure.store, WebhookOutbox(infrastructure.database), infrastructure.clock
    signer = Signer(load_signing_key(settings), load_webhook_secrets(settings))
    poster = HttpPoster(settings.allowed_networks, AT_ONCE)
    attempts = Attempts(poster, signer, settings.retries, clock, settings.public_url)
    delivery = Delivery(outbox, store, attempts, clock)
    runner = ProjectionRunner(WEBHOOK_OUTBOX, store, infrastructure.database, delivery.run)
    try:
        async with (
            supervised(runner.run()),
            infrastructure.bus.answer(NOTIFIER_COMMANDS, notifier_answerer(Resending(outbox, store))),
        ):
            yield runner
    finally:
        await poster.close()
