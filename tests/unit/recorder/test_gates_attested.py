"""An attested yes opens the gate as their own does, and ends as theirs."""

from __future__ import annotations

from shared.contracts.consent import ConsentAttested
from tests.support.moments import at
from tests.unit.recorder.test_gates import CLEAR, IN, KEEP, joined, left, no, open_seconds, stopped, told, yes


def attested(second: float, who: str = "ann") -> ConsentAttested:
    return ConsentAttested(at=at(second), **IN, participant_id=who, attested_by="key")


def test_media_passes_from_the_moment_of_the_attestation_until_they_say_no() -> None:
    assert open_seconds(CLEAR, joined(), attested(2), no(5)) == [2, 3, 4]


def test_who_comes_after_it_was_said_is_recorded_at_once() -> None:
    assert open_seconds(KEEP, attested(1), joined(4)) == [4, 5, 6, 7, 8, 9]


def test_it_ends_by_itself_where_the_room_does_not_keep_consent() -> None:
    assert open_seconds(CLEAR, joined(), attested(1), left(4), joined(6)) == [1, 2, 3]
    assert open_seconds(CLEAR, joined(), attested(1), stopped(4)) == [1, 2, 3]
    assert open_seconds(KEEP, joined(), attested(1), stopped(4), left(6), joined(8)) == [1, 2, 3, 4, 5, 8, 9]


def test_a_no_that_is_heard_of_later_undoes_it() -> None:
    assert open_seconds(CLEAR, joined(), attested(5), no(3)) == []
    assert open_seconds(CLEAR, joined(), attested(2), no(4), yes(6)) == [2, 3, 6, 7, 8, 9]


def test_one_that_comes_after_the_sessions_end_is_not_remembered() -> None:
    """A server may attest while the session ends. Seen to fail: nothing ever forgot it."""
    gates = told(CLEAR, joined())
    gates.forget("s")
    assert len(told(attested(5), gates=gates)) == 0
