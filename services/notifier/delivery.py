"""Delivery: posts what is due in the outbox, and writes down how that went.

The webhooks of a recording are posted to a target one after the other, those of different recordings at the same time.
Targets and hosts have their bounds, so one that answers slowly, or not at all, holds up its own alone. Whatever goes
wrong with one webhook is its order's alone too.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, Webhook, WebhookCommand, WebhookHappened
from services.notifier.places import Places
from services.notifier.posting import Attempts
from services.notifier.projections.webhook_outbox_read import Due, WebhookOutbox
from shared.concurrency.clock import Clock
from shared.contracts import actors
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler, Decided
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.insisting import until_answered
from shared.eventsourcing.snapshots import Loaded
from shared.eventsourcing.store import EventStore

_log = structlog.get_logger()

#: Webhooks that are on their way at the same time.
AT_ONCE = 256
#: Webhooks that are looked at together.
_LOOK = 100
#: How long after a fault the outbox is looked at again.
_RETRY_SECONDS = 0.5
#: How long an order rests that failed in a way that nobody foresaw: it may do so for ever.
_REST_SECONDS = 30.0
#: Between two looks: what happens at the same time is looked at together.
_PAUSE_SECONDS = 0.01
#: The longest that is slept without a look: clocks are set.
_LONGEST_SLEEP = 60.0
#: How long what is on its way may take to end when the service does. Less than whoever ends it insists after.
_END_SECONDS = 4.0


class Delivery:
    """Runs in one process at a time: the one that keeps the outbox."""

    def __init__(self, outbox: WebhookOutbox, store: EventStore, attempts: Attempts, clock: Clock) -> None:
        self._outbox = outbox
        self._webhooks: CommandHandler[Webhook, WebhookCommand, WebhookHappened] = CommandHandler(store, WEBHOOK)
        self._attempts = attempts
        self._clock = clock
        self._places = Places()
        #: The orders that are being posted, each by its task.
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        #: The orders that are left alone for a while.
        self._resting: set[UUID] = set()
        #: Webhooks whose row does not know yet what is in their stream up to this position.
        self._ahead: dict[UUID, int] = {}
        self._ending = False

    async def run(self, changed: asyncio.Event) -> None:
        """Post what is due when it is due, for ever. Faults of the database are waited out.

        When it is cancelled, what is on its way is ended and written down first, so that it is not posted again.
        """
        self._ending = False
        async with asyncio.TaskGroup() as posting:
            try:
                while True:
                    changed.clear()
                    await self._sleep(changed, await self._begin_what_is_due(posting, changed))
            finally:
                self._ending = True
                if self._busy:
                    await asyncio.wait(self._busy.values(), timeout=_END_SECONDS)

    async def _begin_what_is_due(self, posting: asyncio.TaskGroup, changed: asyncio.Event) -> float:
        """Return after how many seconds to look again, if nothing changes before."""
        try:
            self._ahead = await self._outbox.behind(self._ahead) if self._ahead else {}
            now = self._clock()
            while len(self._busy) < AT_ONCE:
                due = await self._due(now)
                began = [self._begin(each, posting, changed) for each in due]
                if len(due) < _LOOK or not any(began):
                    break
            return self._until(await self._outbox.next_at(now))
        except (LogUnavailableError, asyncpg.PostgresError) as error:
            _log.warning("outbox not read", error=str(error))
            return _RETRY_SECONDS

    async def _due(self, now: datetime) -> list[Due]:
        orders, full = self._busy.keys() | self._resting, self._places.full_targets()
        return await self._outbox.due(now, _LOOK, orders, full, self._places.full_hosts(), self._ahead)

    def _begin(self, due: Due, posting: asyncio.TaskGroup, changed: asyncio.Event) -> bool:
        """Post it, if there is a place for it; those that were looked at together may be of one order or target."""
        is_taken = due.order_key in self._busy or due.order_key in self._resting
        if len(self._busy) >= AT_ONCE or is_taken or not self._places.is_there(due.url, due.host):
            return False
        self._places.begin(due.url, due.host)
        self._busy[due.order_key] = posting.create_task(self._post_in_order(due, changed))
        return True

    def _until(self, moment: datetime | None) -> float:
        if moment is None:
            return _LONGEST_SLEEP
        return min(max(0.0, (moment - self._clock()).total_seconds()), _LONGEST_SLEEP)

    async def _sleep(self, changed: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _post_in_order(self, first: Due, changed: asyncio.Event) -> None:
        due: Due | None = first
        try:
            while due is not None:
                is_over = await self._tell(due)
                due = await self._following(due) if is_over else None
        except (LogUnavailableError, asyncpg.PostgresError) as error:
            _log.warning("webhooks wait", webhook_id=str(first.id), error=str(error))
            self._rest(first.order_key, _RETRY_SECONDS, changed)
        except Exception:  # noqa: BLE001  a fault that nobody foresaw is logged, and is this order's alone
            _log.exception("webhooks of an order wait", webhook_id=str(first.id))
            self._rest(first.order_key, _REST_SECONDS, changed)
        finally:
            self._places.end(first.url, first.host)
            del self._busy[first.order_key]
            changed.set()

    def _rest(self, order: UUID, seconds: float, changed: asyncio.Event) -> None:
        """Leave it alone for a while, without a place: others have that meanwhile."""

        def wake() -> None:
            self._resting.discard(order)
            changed.set()

        self._resting.add(order)
        asyncio.get_running_loop().call_later(seconds, wake)

    async def _following(self, due: Due) -> Due | None:
        """Return the next of its order, without a wait until the outbox has heard of this one.

        A target that fails has one place for all its orders, so there it has to ask for that anew.
        """
        if due.resent or self._ending or self._places.is_failing(due.url):
            return None
        following = await self._outbox.following(due, self._clock())
        return None if following and following.id in self._ahead else following

    async def _tell(self, due: Due) -> bool:
        """Post it, unless the log knows of more than the outbox; return whether the next one has its turn."""
        stream = webhook_stream(due.event_id, due.url)
        known = await self._webhooks.load(stream)
        if known.position > due.stream_position:
            self._ahead[due.id] = known.position
            return False
        report = await self._attempts.make(due, known.state.attempts + 1)
        self._note_target(due.url, report)
        context = Context(actors.service("notifier"), due.event_id, due.correlation_id)
        decided = await self._write_down(stream, report, context, known)
        self._ahead[due.id] = decided.position
        return decided.state.outcome in ("delivered", "given_up")

    def _note_target(self, url: str, report: ReportAttempt) -> None:
        """Ask a target less that gives no answer, or is broken or overrun. A refusal is an answer."""
        if report.status is None or report.status >= 500 or report.status == 429:
            self._places.failed(url)
        else:
            self._places.answered(url)

    async def _write_down(
        self, stream: str, report: ReportAttempt, context: Context, known: Loaded[Webhook]
    ) -> Decided[Webhook, WebhookHappened]:
        # Not given up: it would be posted again, though we know what came of it.
        what = f"the outcome of {stream}"
        return await until_answered(lambda: self._webhooks.handle(stream, report, context, known), what)
