"""One attempt: a webhook is signed and posted, and what came of it is a report."""

from __future__ import annotations

import random
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

import structlog
from prometheus_client import Counter

from services.notifier.adapters.errors import TargetError
from services.notifier.adapters.http import Answer
from services.notifier.domain.retries import Retries
from services.notifier.domain.webhook import ReportAttempt
from services.notifier.outbox import Due
from services.notifier.payload import with_file_urls
from services.notifier.retry_after import seconds_to_wait
from services.notifier.signing import Signer
from shared.runtime.clock import Clock

_log = structlog.get_logger()
_attempts = Counter("onrecord_webhook_attempts_total", "Webhooks posted, each attempt.", ["outcome"])


class Poster(Protocol):
    """Posts to a target."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return what the target answered. Raises TargetError."""
        ...


class Attempts:
    """Makes attempts."""

    def __init__(self, poster: Poster, signer: Signer, retries: Retries, clock: Clock, public_url: str | None) -> None:
        self._poster = poster
        self._signer = signer
        self._retries = retries
        self._clock = clock
        self._public_url = public_url

    async def make(self, due: Due, attempt: int) -> ReportAttempt:
        """Post it for the first (1), second, … time. Whatever goes wrong with the target is in the report."""
        body = due.body if attempt > 1 else with_file_urls(due.body, self._public_url)
        began = monotonic()
        answer, reason = await self._answer(due, body)
        now = self._clock()
        wait = self._retries.after(attempt, _chance(), seconds_to_wait(answer.retry_after if answer else None, now))
        report = ReportAttempt(
            due.room_id,
            due.event_id,
            due.url,
            due.webhook_type,
            now,
            attempt=attempt,
            body=body.decode(),
            duration_ms=round((monotonic() - began) * 1000),
            status=answer.status if answer else None,
            reason=reason,
            retry_at=None if wait is None else now + wait,
        )
        _attempts.labels("delivered" if report.succeeded else "failed").inc()
        return report

    async def _answer(self, due: Due, body: bytes) -> tuple[Answer | None, str]:
        headers = self._signer.headers(due.id, body, self._clock())
        try:
            return await self._poster.post(due.url, body, headers), ""
        except TargetError as error:
            _log.warning("webhook target not reached", webhook_id=str(due.id), url=due.url, error=str(error))
            return None, str(error)


def _chance() -> float:
    return random.uniform(-1, 1)  # noqa: S311  no secret
