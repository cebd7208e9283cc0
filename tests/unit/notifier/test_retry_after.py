from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.retry_after import seconds_to_wait

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90),
    ],
)
def test_it_is_read_as_seconds_or_as_a_date(header: str, seconds: float) -> None:
    assert seconds_to_wait(header, NOW) == seconds


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "²", "Sun, 41 Mar 2026 12:01:30 GMT"])
def test_what_is_neither_says_nothing(header: str | None) -> None:
    assert seconds_to_wait(header, NOW) is None


@given(st.text())
def test_nothing_that_a_target_sends_is_an_error(header: str) -> None:
    waits = seconds_to_wait(header, NOW)
    assert waits is None or waits >= 0
