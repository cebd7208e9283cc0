from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.retry_after import seconds_to_wait

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NO_DATES = [
    "Sun, 41 Mar 2026 12:01:30 GMT",
    "Mon, 01 Jan 99999999999 00:00:00 GMT",
    "01 Jan 2026 999999999999999999999:0:0 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    "Mon, 01 Jan 2026 00:00:00 +2400",
]

_NUMBERS = st.one_of(st.integers(0, 99), st.integers(-1, 10_000), st.integers(0, 10**30)).map(str)
_ZONES = st.one_of(
    st.sampled_from(["GMT", "UTC", "EST", "", "Z", "-0000"]),
    st.tuples(st.sampled_from("+-"), _NUMBERS).map("".join),
)
#: Of the grammar of dates, and off it by a little.
_DATES = st.builds(
    "{}{} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon, ", "Sunday, ", "", ", "]),
    _NUMBERS,
    st.sampled_from(["Jan", "dec", "Foo", "13"]),
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    _ZONES,
)


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


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "²", *NO_DATES])
def test_what_is_neither_says_nothing(header: str | None) -> None:
    assert seconds_to_wait(header, NOW) is None


@given(_DATES | st.text())
def test_nothing_that_a_target_sends_is_an_error(header: str) -> None:
    waits = seconds_to_wait(header, NOW)
    assert waits is None or waits >= 0
