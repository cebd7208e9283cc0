"""Delivery: posts what is in the outbox, and writes down how that went.

The webhooks of a session are posted one after the other, those of different sessions at the same time. Each session and
each host has its bound, so a target that answers slowly, or not at all, holds up its own alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import httpx
import structlog

from services.notifier.adapters.http import HttpPoster
from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, Webhook, WebhookHappened
from services.notifier.projections.webhook_outbox import Due, WebhookOutbox
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.errors import EventSourcingError, LogUnavailableError
from shared.eventsourcing.store import EventStore
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: Sessions that are posted for at the same time; and those of them whose target is on the same host.
_AT_ONCE = 64
_PER_HOST = 8
#: Webhooks that are looked at together.
_LOOK = 100
#: How long after a fault, or without being told, the outbox is looked at.
_POLL_SECONDS = 0.5


class Delivery:
    """Runs in one process at a time: the one that keeps the outbox."""

    def __init__(self, outbox: WebhookOutbox, store: EventStore, poster: HttpPoster, clock: Clock) -> None:
        self._outbox = outbox
        self._webhooks: CommandHandler[Webhook, ReportAttempt, WebhookHappened] = CommandHandler(store, WEBHOOK)
        self._poster = poster
        self._clock = clock
        #: The sessions that are being posted for, each with its target's host.
        self._busy: dict[str, str] = {}
        #: Events that were told, and whose outcome the outbox has not heard of yet.
        self._told: set[UUID] = set()

    async def run(self, changed: asyncio.Event) -> None:
        """Post what is due whenever the outbox has changed, for ever. Faults of the database are waited out."""
        async with asyncio.TaskGroup() as posting:
            while True:
                changed.clear()
                try:
                    await self._begin_due(posting, changed)
                except (LogUnavailableError, asyncpg.PostgresError) as error:
                    _log.warning("outbox not read", error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await changed.wait()

    async def _begin_due(self, posting: asyncio.TaskGroup, changed: asyncio.Event) -> None:
        if self._told:
            self._told &= await self._outbox.still_there(self._told)
        while len(self._busy) < _AT_ONCE:
            due = await self._outbox.due(_LOOK, self._busy, self._full_hosts(), self._told)
            self._begin(due, posting, changed)
            if len(due) < _LOOK:
                return

    def _begin(self, due: Sequence[Due], posting: asyncio.TaskGroup, changed: asyncio.Event) -> None:
        sessions: dict[str, list[Due]] = defaultdict(list)
        for each in due:
            sessions[each.session_id].append(each)
        for session_id, webhooks in sessions.items():
            host = webhooks[0].host
            if len(self._busy) < _AT_ONCE and host not in self._full_hosts():
                self._busy[session_id] = host
                posting.create_task(self._post_in_order(session_id, webhooks, changed))

    def _full_hosts(self) -> set[str]:
        return {host for host, count in Counter(self._busy.values()).items() if count >= _PER_HOST}

    async def _post_in_order(self, session_id: str, webhooks: Sequence[Due], changed: asyncio.Event) -> None:
        try:
            for due in webhooks:
                await self._tell(due)
                self._told.add(due.event_id)
        except (EventSourcingError, asyncpg.PostgresError) as error:
            _log.warning("webhooks wait", session=session_id, error=str(error))
            await asyncio.sleep(_POLL_SECONDS)
        finally:
            del self._busy[session_id]
            changed.set()

    async def _tell(self, due: Due) -> None:
        """Post it, unless the log says that it was: the outbox may not have heard of that yet."""
        stream = webhook_stream(due.event_id, due.url)
        if (await self._webhooks.load(stream)).state.attempted:
            return
        attempt = await self._post(due)
        context = Context("service:notifier", due.event_id, due.correlation_id)
        while True:
            try:
                await self._webhooks.handle(stream, attempt, context)
            except LogUnavailableError as error:
                # Not given up: it would be posted again, though we know what came of it.
                _log.warning("outcome of webhook not written down yet", event_id=str(due.event_id), error=str(error))
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return

    async def _post(self, due: Due) -> ReportAttempt:
        try:
            status = await self._poster.post(due.url, due.body, due.event_id)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}"
            _log.warning("webhook target not reached", url=due.url, error=reason)
            return ReportAttempt(due.room_id, due.event_id, due.url, self._clock(), reason=reason)
        return ReportAttempt(due.room_id, due.event_id, due.url, self._clock(), status=status)
