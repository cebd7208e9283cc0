"""An attempt: whatever comes of it is a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from threading import get_ident
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from structlog.testing import capture_logs

from services.notifier.adapters.errors import TargetSilentError, TargetUrlError
from services.notifier.adapters.http import Answer
from services.notifier.domain.retries import Retries
from services.notifier.domain.webhook import ReportAttempt
from services.notifier.posting import Attempts
from services.notifier.projections.webhook_outbox_read import Due
from services.notifier.signing import Signer
from shared.runtime.signing_keys import SigningKey
from tests.support.moments import at

KEY = SigningKey(generate_private_key(public_exponent=65537, key_size=2048))
ID = UUID(int=7)
URL = "https://user:pass@hooks.example:8443/hook?token=secret"


class _Target:
    def __init__(self, came: Answer | Exception) -> None:
        self._came = came

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if isinstance(self._came, Exception):
            raise self._came
        return self._came


class SeenSigner(Signer):
    """Tells in which thread it signed."""

    signed_in: int | None = None

    def headers(self, webhook_id: UUID, body: bytes, at: datetime) -> dict[str, str]:
        self.signed_in = get_ident()
        return super().headers(webhook_id, body, at)


SIGNER = Signer(KEY, (b"secret",))


async def made(came: Answer | Exception, url: str = URL, signer: Signer = SIGNER) -> ReportAttempt:
    attempts = Attempts(_Target(came), signer, Retries((5, 300)), at, None)
    due = Due(ID, ID, ID, "r", ID, 1, url, "hooks.example:8443", "session-started", b"{}", at(), False, 0)
    return await attempts.make(due, 1)


@pytest.mark.parametrize("error", [RuntimeError("secret"), ExceptionGroup("g", [OverflowError("secret")])])
async def test_an_error_that_nobody_foresaw_is_an_attempt_that_failed_and_its_words_stay_within(
    error: Exception,
) -> None:
    with capture_logs() as lines:
        report = await made(error)
    assert (report.status, report.reason) == (None, "it could not be posted to this target")
    assert report.retry_at is not None
    (line,) = lines
    assert (line["log_level"], line["exc_info"]) == ("error", True)


async def test_a_target_that_was_not_reached_is_posted_to_again() -> None:
    report = await made(TargetSilentError(10))
    assert report.reason == "no answer within 10 s"
    assert report.retry_at is not None


async def test_what_is_no_url_is_given_up_at_once() -> None:
    report = await made(TargetUrlError("Your Webhook URL"), "Your Webhook URL")
    assert report.reason.startswith("the target's URL is none")
    assert report.retry_at is None


@pytest.mark.parametrize(
    ("url", "target"),
    [(URL, "https://hooks.example:8443"), ("Your token=secret URL", "none"), ("http://h:99999/?secret", "none")],
)
@pytest.mark.parametrize("error", [TargetSilentError(10), RuntimeError()])
async def test_our_log_names_the_host_and_nothing_that_opens_doors(url: str, target: str, error: Exception) -> None:
    with capture_logs() as lines:
        await made(error, url)
    assert [line["target"] for line in lines] == [target]
    assert "secret" not in str(lines)
    assert "pass" not in str(lines)


async def test_nobody_else_waits_for_the_signature() -> None:
    """Seen to fail with it made on the event loop, where media may be."""
    signer = SeenSigner(KEY, (b"secret",))
    await made(Answer(200), signer=signer)
    assert signer.signed_in not in {None, get_ident()}


async def test_an_answer_is_reported() -> None:
    report = await made(Answer(503, "120"))
    assert (report.status, report.reason) == (503, "")
    assert report.retry_at is not None
    assert (report.retry_at - report.at).total_seconds() == 120
