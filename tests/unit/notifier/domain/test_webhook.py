from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, WebhookHappened
from shared.contracts.webhook import WebhookDelivered, WebhookFailed
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history

EVENT_ID = UUID(int=7)
URL = "https://example.org/hook"


def attempt(status: int | None = None, reason: str = "") -> ReportAttempt:
    return ReportAttempt("r", EVENT_ID, URL, at(1), status, reason)


def delivered(status: int = 200) -> WebhookDelivered:
    return WebhookDelivered(at=at(1), room_id="r", event_id=EVENT_ID, url=URL, status=status)


def failed(reason: str) -> WebhookFailed:
    return WebhookFailed(at=at(1), room_id="r", event_id=EVENT_ID, url=URL, reason=reason)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_answer_of_success_is_a_delivery(status: int) -> None:
    given(WEBHOOK).when(attempt(status)).then(delivered(status))


@pytest.mark.parametrize("status", [100, 199, 300, 302, 404, 500])
def test_any_other_answer_is_a_failure_that_names_it(status: int) -> None:
    given(WEBHOOK).when(attempt(status)).then(failed(f"the target answered {status}"))


def test_a_target_that_was_not_reached_is_a_failure_with_its_reason() -> None:
    given(WEBHOOK).when(attempt(reason="ConnectError: refused")).then(failed("ConnectError: refused"))


def test_an_event_is_told_once_whatever_came_of_it() -> None:
    given(WEBHOOK, delivered()).when(attempt(500)).then_nothing()
    given(WEBHOOK, failed("the target answered 500")).when(attempt(200)).then_nothing()


_commands = st.lists(
    st.builds(attempt, st.sampled_from([None, 200, 500]), st.sampled_from(["", "refused"])), max_size=5
)
_events: st.SearchStrategy[list[WebhookHappened]] = st.lists(
    st.one_of(st.just(delivered()), st.just(failed("refused"))), max_size=5
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[ReportAttempt]) -> None:
    assert_repeating_writes_nothing(WEBHOOK, commands)
    assert len(history(WEBHOOK, commands)) == min(1, len(commands))


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[WebhookHappened]) -> None:
    assert WEBHOOK.fold(events).attempted is bool(events)
