from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest

from services.audit.projections.timeline import ParticipantTimeline, Span, timeline
from shared.contracts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingStarted
from shared.contracts.recording import RecordingRequested, RecordingStarted
from shared.contracts.room import ParticipantJoined, ParticipantLeft, RoomCreated, SessionEnded
from tests.support.moments import at
from tests.support.participant_recordings import FILE, failed, started, stop_requested, stopped


def about(second: float, who: str = "ann") -> dict[str, Any]:
    return {"at": at(second), "room_id": "r", "session_id": "s", "participant_id": who}


def joined(second: float, who: str = "ann") -> Event:
    return ParticipantJoined(**about(second, who), display_name=who.title(), role="user")


def left(second: float) -> Event:
    return ParticipantLeft(**about(second), reason="quit")


def given(second: float, who: str = "ann") -> Event:
    return ConsentGiven(**about(second, who))


def withdrawn(second: float) -> Event:
    return ConsentWithdrawn(**about(second))


def begun(second: float) -> Event:
    return started(second=second)


def ann(*events: Event) -> ParticipantTimeline:
    return timeline("s", events).participants["ann"]


def spans(*events: Event) -> Sequence[tuple[float, float | None]]:
    """The seconds between which Ann was recorded."""
    return [(_second(span.begin), None if span.end is None else _second(span.end)) for span in ann(*events).spans]


def _second(moment: Any) -> float:
    return float((moment - at()).total_seconds())


# --- spans


@pytest.mark.parametrize(
    "events",
    [(joined(1), given(2)), (joined(1), started(second=2)), (given(1), started(second=2))],
    ids=["no-file", "no-consent", "not-there"],
)
def test_nobody_is_recorded_of_whom_one_condition_does_not_hold(events: tuple[Event, ...]) -> None:
    assert spans(*events) == []


def test_a_participant_is_recorded_once_all_conditions_hold_in_whichever_order() -> None:
    makers: tuple[Callable[[float], Event], ...] = (joined, given, begun)
    for first, second, third in permutations(makers):
        assert spans(first(1), second(2), third(3)) == [(3, None)]


@pytest.mark.parametrize(
    "end",
    [left(9), withdrawn(9), ConsentRefused(**about(9)), stopped(second=9), failed(second=9)],
    ids=lambda e: e.type,
)
def test_a_span_ends_with_the_first_condition_that_does_and_names_it(end: Event) -> None:
    (span,) = ann(joined(1), given(2), started(second=3), end).spans
    assert span == Span(at(3), at(9), end.type)


def test_coming_back_and_consenting_again_begin_further_spans() -> None:
    begin = (joined(1), given(2), started(second=3))
    assert spans(*begin, left(5), joined(7), withdrawn(8), given(9)) == [(3, 5), (7, 8), (9, None)]


def test_that_a_file_is_to_end_does_not_end_the_span_yet() -> None:
    assert spans(joined(1), given(2), started(second=3), stop_requested(second=5)) == [(3, None)]


# --- order


def test_what_took_effect_first_counts_first_however_late_it_was_written() -> None:
    assert spans(joined(1), given(2), started(second=3), left(9), withdrawn(5)) == [(3, 5)]


def test_a_withdrawal_that_took_effect_before_a_yes_that_was_written_before_it_undoes_that_yes() -> None:
    """As the log's last word says, and as the recorder's gate does: nothing was recorded since."""
    assert spans(joined(1), given(5), started(second=3), withdrawn(4)) == []
    assert spans(joined(1), given(2), started(second=3), withdrawn(6), given(8), withdrawn(7)) == [(3, 6)]


def test_leaving_that_took_effect_before_a_join_that_was_written_before_it_undoes_that_join() -> None:
    told = ann(given(1), joined(5), started(second=3), left(4))
    assert told.spans == []
    assert told.display_name == "Ann"


def test_a_yes_after_that_begins_a_span_again() -> None:
    assert spans(joined(1), given(5), started(second=3), withdrawn(4), given(7)) == [(7, None)]


def test_of_two_words_for_one_moment_the_no_counts() -> None:
    assert spans(joined(1), started(second=2), given(5), withdrawn(5)) == []
    assert spans(joined(1), started(second=2), withdrawn(5), given(5)) == []


# --- the session


def test_other_sessions_and_events_of_none_are_passed_over() -> None:
    other = ParticipantJoined(**{**about(1, "eve"), "session_id": "t"}, display_name="Eve", role="user")
    told = timeline("s", [RoomCreated(at=at(), room_id="r"), other, joined(1)])
    assert list(told.participants) == ["ann"]


def test_participants_do_not_mix() -> None:
    told = timeline("s", [joined(1), given(2, "bob"), joined(3, "bob"), started(second=4)])
    assert told.participants["ann"].spans == []
    assert told.participants["bob"].spans == []
    assert told.participants["bob"].display_name == "Bob"


def test_recordings_are_named_once_in_order() -> None:
    one = {"room_id": "r", "session_id": "s", "recording_id": "one"}
    two = {**one, "recording_id": "two"}
    told = timeline(
        "s",
        [
            RecordingRequested(at=at(5), **two, requested_by="mona"),
            RecordingRequested(at=at(1), **one, requested_by="mona"),
            RecordingStarted(at=at(2), **one, worker_id="worker"),
            SessionEnded(at=at(9), room_id="r", session_id="s"),
        ],
    )
    assert told.recording_ids == ["one", "two"]


def test_a_finished_file_is_listed_with_its_begin_and_end() -> None:
    told = timeline("s", [started(second=3), stop_requested(second=7), stopped(second=7)])
    (file,) = told.files
    assert (file.participant_id, file.start, file.end, file.file) == ("ann", at(3), at(7), FILE)
    assert told.failures == {}


def test_each_file_of_a_participant_has_its_own_begin() -> None:
    first, second = (started("a", 3), stopped("a", 5)), (started("b", 7), stopped("b", 9))
    told = timeline("s", [*first, *second])
    assert [(file.start, file.end) for file in told.files] == [(at(3), at(5)), (at(7), at(9))]


def test_a_file_that_is_as_short_as_a_moment_is_listed() -> None:
    (file,) = timeline("s", [started(second=3), stopped(second=3)]).files
    assert (file.start, file.end) == (at(3), at(3))


def test_a_failure_is_listed_with_its_reason() -> None:
    told = timeline("s", [joined(1), given(2), started(second=3), failed(second=5, reason="disk full")])
    assert told.failures == {"ann": "disk full"}
    assert told.files == []


def test_a_started_file_names_nobody_else() -> None:
    bob = ParticipantRecordingStarted(**about(3, "bob"), participant_recording_id="b", worker_id="worker")
    assert spans(joined(1), given(2), bob) == []
