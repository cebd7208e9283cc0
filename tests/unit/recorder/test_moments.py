from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.moments import moment, nanoseconds

_microseconds = st.integers(0, 4_000_000_000 * 10**6)


@given(_microseconds)
def test_a_moment_of_the_log_is_kept_to_the_microsecond(microseconds: int) -> None:
    said = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert nanoseconds(said) == microseconds * 1000
    assert moment(nanoseconds(said)) == said


@given(st.integers(0, 4_000_000_000 * 10**9))
def test_a_time_of_the_media_path_is_cut_to_microseconds_and_never_moved_later(ns: int) -> None:
    assert 0 <= ns - nanoseconds(moment(ns)) < 1000


def test_a_zone_does_not_move_a_moment() -> None:
    said = datetime(2030, 5, 17, 14, tzinfo=timezone(timedelta(hours=2)))
    assert moment(nanoseconds(said)) == datetime(2030, 5, 17, 12, tzinfo=UTC)
