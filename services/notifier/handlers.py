"""What the notifier hears, and whom it tells."""

from __future__ import annotations

import httpx
import structlog

from services.notifier.adapters.http import HttpPoster
from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, Webhook, WebhookHappened
from services.notifier.payload import webhook_body
from services.notifier.projections.targets import Targets
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from shared.eventsourcing.store import EventStore
from shared.messaging.message import Message, stored_event
from shared.runtime.clock import Clock

_log = structlog.get_logger()


class Notifier:
    """Posts each event once, and writes down how that went."""

    def __init__(self, store: EventStore, poster: HttpPoster, clock: Clock) -> None:
        self._targets = Targets()
        self._follower = Follower(store, self._targets.apply)
        self._webhooks: CommandHandler[Webhook, ReportAttempt, WebhookHappened] = CommandHandler(store, WEBHOOK)
        self._poster = poster
        self._clock = clock

    async def tell(self, message: Message) -> None:
        """Post the event to its room's webhook, if it has one and was not told yet."""
        stored = stored_event(message)
        event = decode(stored)
        room_id: str = getattr(event, "room_id", "")
        # The room was made before anything happened in it, so it is in the log before this event.
        await self._follower.catch_up(stored.global_position)
        url, body = self._targets.url(room_id), webhook_body(event)
        stream = webhook_stream(stored.id)
        if url is None or body is None or (await self._webhooks.load(stream)).state.attempted:
            return
        attempt = await self._post(room_id, stored, url, body)
        context = Context("service:notifier", stored.id, stored.correlation_id)
        await self._webhooks.handle(stream, attempt, context)

    async def _post(self, room_id: str, stored: StoredEvent, url: str, body: bytes) -> ReportAttempt:
        try:
            status = await self._poster.post(url, body, stored.id)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}"
            _log.warning("webhook target not reached", url=url, error=reason)
            return ReportAttempt(room_id, stored.id, url, self._clock(), reason=reason)
        return ReportAttempt(room_id, stored.id, url, self._clock(), status=status)
