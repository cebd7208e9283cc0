from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from shared.runtime.moments import moment


def test_a_moment_is_written_to_the_millisecond_and_never_moved_later() -> None:
    assert moment(datetime(2030, 5, 17, 12, 0, 0, 999_999, UTC)) == "2030-05-17T12:00:00.999Z"
    assert moment(datetime(2030, 5, 17, 12, tzinfo=UTC)) == "2030-05-17T12:00:00.000Z"


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    assert moment(datetime(2030, 5, 17, 14, tzinfo=timezone(timedelta(hours=2)))) == "2030-05-17T12:00:00.000Z"
