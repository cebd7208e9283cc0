from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, RequestResend, Webhook, WebhookHappened
from shared.contracts.webhook import WebhookDelivered, WebhookFailed, WebhookResendRequested, WebhookTargetDisabled
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history

EVENT_ID = UUID(int=7)
URL = "https://example.org/hook"
BODY = '{"webhookType":"recording-started"}'
ABOUT: dict[str, Any] = {
    "room_id": "r",
    "event_id": EVENT_ID,
    "url": URL,
    "webhook_type": "recording-started",
    "at": at(1),
}
LATER = at(300)


def attempt(
    status: int | None = None, reason: str = "", number: int = 1, retry_at: datetime | None = LATER
) -> ReportAttempt:
    return ReportAttempt(
        **ABOUT, attempt=number, body=BODY, duration_ms=12, status=status, reason=reason, retry_at=retry_at
    )


def delivered(status: int = 200, number: int = 1) -> WebhookDelivered:
    return WebhookDelivered(**ABOUT, **_attempt(number), status=status)


def failed(
    reason: str = "the target answered 500",
    status: int | None = 500,
    number: int = 1,
    retry_at: datetime | None = LATER,
) -> WebhookFailed:
    return WebhookFailed(**ABOUT, **_attempt(number), reason=reason, status=status, retry_at=retry_at)


def gone(number: int = 1) -> WebhookFailed:
    return failed("the target answered 410", 410, number, retry_at=None)


def _attempt(number: int) -> dict[str, Any]:
    return {"attempt": number, "duration_ms": 12, "body": BODY if number == 1 else None}


RESEND = RequestResend(**ABOUT, requested_by="server:key")
RESEND_REQUESTED = WebhookResendRequested(**ABOUT, requested_by="server:key")
DISABLED = WebhookTargetDisabled(**ABOUT)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_answer_of_success_is_a_delivery(status: int) -> None:
    given(WEBHOOK).when(attempt(status)).then(delivered(status))


@pytest.mark.parametrize("status", [100, 199, 300, 302, 400, 404, 500])
def test_any_other_answer_is_a_failure_that_names_it_and_when_it_is_posted_again(status: int) -> None:
    given(WEBHOOK).when(attempt(status)).then(failed(f"the target answered {status}", status))


def test_a_target_that_was_not_reached_is_a_failure_with_its_reason() -> None:
    given(WEBHOOK).when(attempt(reason="no answer within 10 s")).then(failed("no answer within 10 s", None))


def test_what_was_posted_is_told_with_the_first_attempt_alone() -> None:
    given(WEBHOOK, failed()).when(attempt(500, number=2)).then(failed(number=2))


def test_what_failed_may_be_delivered_by_a_later_attempt() -> None:
    given(WEBHOOK, failed(), failed(number=2)).when(attempt(204, number=3)).then(delivered(204, 3))


def test_until_then_it_is_pending() -> None:
    assert WEBHOOK.fold([]).outcome == WEBHOOK.fold([failed()]).outcome == "pending"


def test_after_the_last_attempt_it_is_given_up() -> None:
    given(WEBHOOK, failed()).when(attempt(500, number=2, retry_at=None)).then(failed(number=2, retry_at=None))
    assert WEBHOOK.fold([failed(), failed(number=2, retry_at=None)]).outcome == "given_up"


def test_an_attempt_is_written_down_once_whatever_came_of_it() -> None:
    given(WEBHOOK, delivered()).when(attempt(500)).then_nothing()
    given(WEBHOOK, delivered()).when(attempt(200)).then_nothing()
    given(WEBHOOK, failed()).when(attempt(500)).then_nothing()


def test_of_two_that_posted_the_same_attempt_the_one_that_was_heard_counts() -> None:
    given(WEBHOOK, failed()).when(attempt(200)).then(delivered(number=2))


def test_a_target_that_is_gone_is_disabled_and_not_posted_to_again_by_itself() -> None:
    given(WEBHOOK).when(attempt(410)).then(gone(), DISABLED)
    assert WEBHOOK.fold([gone(), DISABLED]).outcome == "disabled"


@pytest.mark.parametrize(
    "before", [[], [failed()], [failed(retry_at=None)], [delivered()], [gone(), DISABLED]], ids=len
)
def test_it_is_resent_whatever_came_of_it_before(before: list[WebhookHappened]) -> None:
    given(WEBHOOK, *before).when(RESEND).then(RESEND_REQUESTED)


def test_a_resend_that_is_asked_for_already_is_not_asked_for_twice() -> None:
    given(WEBHOOK, delivered(), RESEND_REQUESTED).when(RESEND).then_nothing()
    given(WEBHOOK, delivered(), RESEND_REQUESTED, delivered(number=2)).when(RESEND).then(RESEND_REQUESTED)


def test_what_the_target_has_once_it_has() -> None:
    for later in (failed(number=2), failed(number=2, retry_at=None), DISABLED):
        assert WEBHOOK.fold([delivered(), RESEND_REQUESTED, later]).outcome == "delivered"


def test_a_target_that_was_gone_and_is_heard_again_has_it() -> None:
    assert WEBHOOK.fold([gone(), DISABLED, RESEND_REQUESTED, delivered(number=2)]) == Webhook("delivered", 2)


def test_a_failure_of_an_older_version_was_not_tried_again() -> None:
    old = WebhookFailed(at=at(1), room_id="r", event_id=EVENT_ID, url=URL, reason="refused")
    assert WEBHOOK.fold([old]) == Webhook("given_up", 1)


_commands = st.lists(
    st.one_of(
        st.builds(
            attempt,
            st.sampled_from([None, 200, 410, 500]),
            st.sampled_from(["", "refused"]),
            st.integers(1, 4),
            st.sampled_from([None, LATER]),
        ),
        st.just(RESEND),
    ),
    max_size=6,
)
_events: st.SearchStrategy[list[WebhookHappened]] = st.lists(
    st.sampled_from([delivered(), failed(), failed(retry_at=None), DISABLED, RESEND_REQUESTED]), max_size=6
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[Any]) -> None:
    assert_repeating_writes_nothing(WEBHOOK, commands)


@for_all(_commands)
def test_attempts_are_counted_upwards(commands: list[Any]) -> None:
    happened = history(WEBHOOK, commands)
    numbers = [event.attempt for event in happened if isinstance(event, WebhookDelivered | WebhookFailed)]
    assert numbers == sorted(set(numbers))


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[WebhookHappened]) -> None:
    assert (WEBHOOK.fold(events).outcome == "delivered") is any(isinstance(each, WebhookDelivered) for each in events)
