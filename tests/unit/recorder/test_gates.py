"""What the gates of a session make of what happens in it."""

from __future__ import annotations

from typing import Any

import pytest

from services.recorder.gates import Gates
from services.recorder.moments import nanoseconds
from shared.contracts.consent import ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingPaused, ParticipantRecordingResumed
from shared.contracts.recording import RecordingFailed, RecordingPaused, RecordingResumed, RecordingStopped
from shared.contracts.room import ConsentPolicy, LeaveReason, ParticipantJoined, ParticipantLeft, SessionStarted
from tests.support.moments import at

IN = {"room_id": "r", "session_id": "s"}


def started(policy: ConsentPolicy) -> SessionStarted:
    return SessionStarted(at=at(), **IN, consent_policy=policy)


def joined(second: float = 0, who: str = "ann") -> ParticipantJoined:
    return ParticipantJoined(at=at(second), **_about(who), display_name=who, role="user")


def left(second: float, who: str = "ann", reason: LeaveReason = "quit") -> ParticipantLeft:
    return ParticipantLeft(at=at(second), **_about(who), reason=reason)


def yes(second: float, who: str = "ann") -> ConsentGiven:
    return ConsentGiven(at=at(second), **_about(who))


def no(second: float, who: str = "ann") -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(second), **_about(who))


def cleared(second: float, who: str = "ann") -> ConsentCleared:
    return ConsentCleared(at=at(second), **_about(who), reason="recording_stopped")


def paused(second: float, recording: str = "rec") -> RecordingPaused:
    return RecordingPaused(at=at(second), **IN, recording_id=recording, requested_by="mona")


def resumed(second: float, recording: str = "rec") -> RecordingResumed:
    return RecordingResumed(at=at(second), **IN, recording_id=recording, requested_by="mona")


def own_paused(second: float, file: str = "file") -> ParticipantRecordingPaused:
    return ParticipantRecordingPaused(at=at(second), **_about("ann"), participant_recording_id=file)


def own_resumed(second: float, file: str = "file") -> ParticipantRecordingResumed:
    return ParticipantRecordingResumed(at=at(second), **_about("ann"), participant_recording_id=file)


def stopped(second: float, recording: str = "rec") -> RecordingStopped:
    return RecordingStopped(at=at(second), **IN, recording_id=recording, reason="requested", requested_by="mona")


def _about(who: str) -> dict[str, Any]:
    return {**IN, "participant_id": who}


def told(*events: Event, gates: Gates | None = None) -> Gates:
    gates = Gates() if gates is None else gates
    for event in events:
        gates.apply(event)
    return gates


def open_seconds(*events: Event, who: str = "ann", recording: str | None = "rec") -> list[int]:
    """Return the seconds from 0 to 9 at which a file of that recording, or of none, may hold something."""
    gate = told(*events).of_file("s", who, "file", recording)
    return [second for second in range(10) if gate.permits(nanoseconds(at(second)), nanoseconds(at(second)))]


CLEAR, KEEP = started("clear"), started("keep")


# --- leaving


def test_a_yes_ends_when_the_participant_leaves_and_coming_back_does_not_bring_it_back() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), left(4), joined(6)) == [1, 2, 3]


def test_who_comes_back_and_says_yes_again_is_recorded_from_then_on() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), left(4), joined(6), yes(8)) == [1, 2, 3, 8, 9]


def test_where_consent_is_kept_who_comes_back_is_recorded_at_once() -> None:
    assert open_seconds(KEEP, joined(), yes(1), left(4), joined(6)) == [1, 2, 3, 6, 7, 8, 9]


def test_a_session_whose_start_was_not_seen_keeps_no_consent() -> None:
    assert open_seconds(joined(), yes(1), left(4), joined(6)) == [1, 2, 3]


@pytest.mark.parametrize("reason", ["quit", "timeout", "replaced"])
def test_a_yes_ends_however_the_participant_left(reason: LeaveReason) -> None:
    assert open_seconds(CLEAR, joined(), yes(1), left(4, reason=reason), joined(4)) == [1, 2, 3]


def test_who_comes_in_by_another_connection_is_there_all_the_time() -> None:
    """They leave and come at the same moment."""
    replaced = (left(4, reason="replaced"), joined(4))
    assert open_seconds(CLEAR, joined(), yes(1), *replaced, yes(6)) == [1, 2, 3, 6, 7, 8, 9]
    assert open_seconds(KEEP, joined(), yes(1), *replaced) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_yes_from_before_leaving_that_is_heard_of_later_ends_there() -> None:
    assert open_seconds(CLEAR, joined(), left(4), joined(6), yes(1)) == [1, 2, 3]


def test_who_leaves_takes_nobody_elses_yes_away() -> None:
    others = (joined(who="bob"), yes(1, "bob"))
    assert open_seconds(CLEAR, joined(), *others, left(4), who="bob") == [1, 2, 3, 4, 5, 6, 7, 8, 9]


# --- stopping


def test_every_yes_ends_when_the_recording_stops() -> None:
    events = (CLEAR, joined(), joined(who="bob"), yes(1), yes(2, "bob"), stopped(5))
    assert open_seconds(*events, recording="next") == [1, 2, 3, 4]
    assert open_seconds(*events, who="bob", recording="next") == [2, 3, 4]


def test_who_says_yes_again_is_in_the_next_recording_from_then_on() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), stopped(5), yes(7), recording="next") == [1, 2, 3, 4, 7, 8, 9]


def test_a_yes_after_the_stop_counts_although_the_log_has_it_before_the_stop() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), yes(7), stopped(5), recording="next") == [1, 2, 3, 4, 7, 8, 9]


def test_a_yes_before_the_stop_does_not_count_although_it_is_the_first_word_heard_of_them() -> None:
    assert open_seconds(CLEAR, joined(), joined(who="bob"), stopped(5), yes(3, "bob"), who="bob") == [3, 4]
    assert open_seconds(CLEAR, joined(), stopped(5), joined(4, "cy"), yes(4, "cy"), who="cy") == [4]


def test_where_consent_is_kept_a_stop_ends_no_yes() -> None:
    assert open_seconds(KEEP, joined(), yes(7), stopped(8), recording="next") == [7, 8, 9]


def test_a_recording_that_did_not_come_about_ends_no_yes() -> None:
    failed = RecordingFailed(at=at(5), **IN, recording_id="rec", reason="no worker answered")
    assert open_seconds(CLEAR, joined(), yes(7), failed, recording="next") == [7, 8, 9]


# --- what the consent service writes down of it


def test_that_a_yes_was_cleared_changes_nothing_any_more() -> None:
    cleared_later = (CLEAR, joined(), yes(1), stopped(5), yes(7), cleared(5))
    assert open_seconds(*cleared_later, recording="next") == [1, 2, 3, 4, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), stopped(5), cleared(5), yes(7)) == [1, 2, 3, 4, 7, 8, 9]


def test_a_withdrawal_from_before_the_stop_that_is_heard_of_later_takes_effect_when_it_was_said() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), stopped(5), cleared(5), no(3)) == [1, 2]


def test_a_refusal_is_a_no() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), ConsentRefused(at=at(4), **_about("ann"))) == [1, 2, 3]


# --- pauses


def test_nothing_is_recorded_while_the_recording_is_paused() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), paused(4), resumed(7)) == [1, 2, 3, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), paused(4)) == [1, 2, 3]


def test_of_two_pauses_the_earlier_counts_though_it_is_heard_of_later() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), paused(4), paused(3), resumed(7)) == [1, 2, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), own_paused(4), own_paused(3), own_resumed(7)) == [1, 2, 7, 8, 9]


def test_who_is_first_heard_of_while_it_is_paused_is_not_recorded_either() -> None:
    assert open_seconds(CLEAR, paused(4), joined(5), yes(5)) == []
    assert open_seconds(CLEAR, paused(4), joined(5), yes(5), resumed(7)) == [7, 8, 9]


def test_a_recording_that_goes_on_records_nobody_who_does_not_consent() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), paused(4), no(5), resumed(7)) == [1, 2, 3]


def test_the_next_recording_is_not_paused_whatever_the_clocks_of_pause_and_stop_said() -> None:
    for stop in (stopped(3.9), stopped(4), stopped(5)):
        events = (KEEP, joined(), yes(1), paused(4), stop)
        assert open_seconds(*events, recording="next") == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_participant_recording_that_is_paused_by_itself_holds_nothing_meanwhile() -> None:
    assert open_seconds(CLEAR, joined(), yes(1), own_paused(4), own_resumed(7)) == [1, 2, 3, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), own_paused(4), own_resumed(7), recording=None) == [1, 2, 3, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), own_paused(4), recording=None) == [1, 2, 3]


def test_it_goes_on_when_neither_it_nor_its_room_recording_is_paused() -> None:
    both = (own_paused(2), paused(4), own_resumed(6), resumed(8))
    assert open_seconds(CLEAR, joined(), yes(1), *both) == [1, 8, 9]


def test_a_pause_of_the_room_recording_is_none_of_those_that_servers_asked_for() -> None:
    assert open_seconds(KEEP, joined(), yes(7), paused(3), recording=None) == [7, 8, 9]


def test_a_pause_of_one_participant_recording_does_not_concern_another() -> None:
    assert open_seconds(KEEP, joined(), yes(7), own_paused(3, "another"), recording=None) == [7, 8, 9]


def test_what_a_server_asked_for_goes_on_after_the_room_recording_with_whoever_still_consents() -> None:
    assert open_seconds(KEEP, joined(), yes(1), stopped(3), recording=None) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert open_seconds(CLEAR, joined(), yes(1), stopped(3), yes(7), recording=None) == [1, 2, 7, 8, 9]


def test_a_gate_learns_of_what_happens_after_its_file_began() -> None:
    gates = told(CLEAR, joined(), yes(1))
    gate = gates.of_file("s", "ann", "file", "rec")
    told(paused(3), resumed(5), stopped(7), gates=gates)
    begin, end = nanoseconds(at(1)), nanoseconds(at(9))
    assert gate.first_closed(begin, end) == nanoseconds(at(3))
    assert gate.first_closed(nanoseconds(at(5)), end) == nanoseconds(at(7))


# --- sessions


def test_sessions_have_nothing_to_do_with_one_another() -> None:
    other = {"room_id": "r2", "session_id": "s2"}
    joined_there = ParticipantJoined(at=at(), **other, participant_id="ann", display_name="Ann", role="user")
    gates = told(KEEP, joined(), yes(1), SessionStarted(at=at(), **other), joined_there)
    assert not gates.of_file("s2", "ann", "file", "rec").permits(nanoseconds(at(5)), nanoseconds(at(5)))


def test_what_is_written_down_after_a_sessions_end_is_not_remembered() -> None:
    gates = told(CLEAR, joined(), yes(1))
    gates.forget("s")
    told(stopped(5), cleared(5), resumed(5), own_paused(5), own_resumed(6), gates=gates)
    told(yes(5), no(6), paused(5), gates=gates)
    assert len(gates) == 0


def test_in_a_session_that_is_not_known_nothing_passes_and_nothing_is_remembered() -> None:
    gates = Gates()
    assert not gates.of_file("s", "ann", "file", "rec").permits(0, 0)
    assert len(gates) == 0
