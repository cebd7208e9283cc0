"""What a user may ask of a replay, and what is refused."""

from __future__ import annotations

import pytest

from services.audit.options import request
from services.audit.reading import Point
from services.audit.selection import Wanted
from shared.runtime.errors import SettingError
from tests.support.moments import NOON


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("12", Point(position=12)),
        ("2030-05-17T12:00:00Z", Point(moment=NOON)),
        ("2030-05-17 12:00", Point(moment=NOON)),
        ("2030-05-17T14:00:00+02:00", Point(moment=NOON)),
    ],
)
def test_a_point_is_a_position_or_a_time_and_a_time_without_a_zone_is_utc(text: str, point: Point) -> None:
    asked = request(text, None, Wanted(), diff=False)
    assert (asked.since, asked.until) == (point, Point())
    assert request(None, text, Wanted(), diff=False).until == point


def test_a_position_and_a_time_may_be_compared() -> None:
    asked = request("12", "2030-05-17T12:00", Wanted(), diff=True)
    assert (asked.since, asked.until) == (Point(12), Point(moment=NOON))


@pytest.mark.parametrize(
    ("since", "until", "wanted", "diff", "sentence"),
    [
        (None, "9", Wanted(), True, "--diff compares two moments: say since when, with --since"),
        ("9", "9", Wanted(), True, "--since is 9, which is not before --until 9"),
        ("10", "9", Wanted(), False, "--since is 10, which is not before --until 9"),
        ("2030-01-02", "2030-01-01", Wanted(), False, "--since is 2030-01-02, which is not before --until 2030-01-01"),
        ("soon", None, Wanted(), False, "--since is 'soon': give a position or a time like 2030-01-31T12:00:00Z"),
        (None, "-5", Wanted(), False, "--until is '-5': give a position or a time like 2030-01-31T12:00:00Z"),
        (None, None, Wanted(room="a/b"), False, "--room is 'a/b', and no room has such an id"),
        (None, None, Wanted(session=""), False, "--session is '', and no session has such an id"),
        (None, None, Wanted(participant=" "), False, "--participant is ' ', and no participant has such an id"),
        (
            None,
            None,
            Wanted(recording="x" * 65),
            False,
            f"--recording is '{'x' * 65}', and no recording has such an id",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    since: str | None, until: str | None, wanted: Wanted, diff: bool, sentence: str
) -> None:
    """Seen to fail without each of the three checks in `request`."""
    with pytest.raises(SettingError) as refusal:
        request(since, until, wanted, diff=diff)
    assert str(refusal.value) == sentence
