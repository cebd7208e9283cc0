"""One attempt: a webhook is signed and posted, and what came of it is a report."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import structlog
from prometheus_client import Counter

from services.notifier.adapters.errors import TargetError, TargetUrlError
from services.notifier.adapters.http import Answer
from services.notifier.domain.retries import Retries
from services.notifier.domain.webhook import ReportAttempt
from services.notifier.payload import with_file_urls
from services.notifier.projections.webhook_outbox_read import Due
from services.notifier.retry_after import seconds_to_wait
from services.notifier.signing import Signer
from shared.concurrency.clock import Clock
from shared.runtime.http_url import http_url

_log = structlog.get_logger()
#: What is told of an error that was not foreseen. Not its words: they may quote anything.
_UNFORESEEN = "it could not be posted to this target"
_attempts = Counter("onrecord_webhook_attempts_total", "Webhooks posted, each attempt.", ["outcome"])


class Poster(Protocol):
    """Posts to a target."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return what the target answered. Raises TargetError."""
        ...


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of posting."""

    status: int | None = None
    retry_after: str | None = None
    reason: str = ""
    #: It would come to the same however often it is posted.
    is_last: bool = False


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
        came = await self._post(due, body)
        now = self._clock()
        wait = None if came.is_last else self._retries.after(attempt, _chance(), seconds_to_wait(came.retry_after, now))
        report = ReportAttempt(
            due.room_id,
            due.event_id,
            due.url,
            due.webhook_type,
            now,
            attempt=attempt,
            body=body.decode(),
            duration_ms=round((monotonic() - began) * 1000),
            status=came.status,
            reason=came.reason,
            retry_at=None if wait is None else now + wait,
        )
        _attempts.labels("delivered" if report.succeeded else "failed").inc()
        return report

    async def _post(self, due: Due, body: bytes) -> _Came:
        # In a thread: it is nearly a millisecond of work, and where all is one process, media is on this loop.
        headers = await asyncio.to_thread(self._signer.headers, due.id, body, self._clock())
        about = {"webhook_id": str(due.id), "target": _origin(due.url)}
        try:
            answer = await self._poster.post(due.url, body, headers)
        except TargetError as error:
            _log.warning("webhook target not reached", **about, kind=type(error).__name__, error=str(error))
            return _Came(reason=str(error), is_last=isinstance(error, TargetUrlError))
        except Exception:  # noqa: BLE001  a target may have us fail in ways that nobody foresaw
            _log.exception("webhook not posted", **about)
            return _Came(reason=_UNFORESEEN)
        return _Came(answer.status, answer.retry_after)


def _origin(url: str) -> str:
    """Return scheme, host and port for our log: the rest of a URL may hold passwords and tokens."""
    try:
        parsed = http_url(url)
    except ValueError:
        return "none"
    return f"{parsed.scheme}://{parsed.netloc.decode()}"


def _chance() -> float:
    return random.uniform(-1, 1)  # noqa: S311  no secret
