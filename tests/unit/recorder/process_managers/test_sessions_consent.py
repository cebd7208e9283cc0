"""Whose file is due where a yes ends by itself; and what pausing changes about it."""

from __future__ import annotations

import pytest

from services.recorder.domain.participant_recording import RequestParticipantRecording
from services.recorder.process_managers.sessions import RecordedSession, due, follow
from shared.contracts.consent import ConsentRefused
from shared.contracts.message import Event
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted
from shared.contracts.room import LeaveReason
from tests.support.moments import at
from tests.unit.recorder.test_gates import CLEAR, IN, KEEP, cleared, joined, left, no, paused, resumed, stopped, yes


def recording(begins: float, recording_id: str = "next") -> tuple[Event, Event]:
    about = {**IN, "recording_id": recording_id}
    return (
        RecordingRequested(at=at(begins), **about, requested_by="mona"),
        RecordingStarted(at=at(begins), **about, worker_id="worker"),
    )


def after(*events: Event) -> RecordedSession | None:
    session: RecordedSession | None = None
    for event in events:
        session = follow(session, event)
    return session


def asked_for(*events: Event) -> list[str]:
    """Return whose files are to be asked for after all that, in order."""
    session = after(*events)
    assert session
    return [one.participant_id for one in due(session, at(20)) if isinstance(one, RequestParticipantRecording)]


FIRST = recording(2, "rec")


# --- stopping


def test_a_second_recording_begins_no_file_of_who_has_not_said_yes_again() -> None:
    """However soon after the first: nobody waits for the consent service."""
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), *recording(5.005)) == []


def test_a_second_recording_begins_a_file_of_who_has() -> None:
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), *recording(5.005), yes(6)) == ["ann"]
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), yes(5.001), *recording(5.005)) == ["ann"]


def test_a_yes_that_was_said_after_the_stop_counts_although_the_log_has_it_before_the_stop() -> None:
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, yes(5.001), stopped(5), *recording(6)) == ["ann"]


@pytest.mark.parametrize("second", [1, 5])
def test_a_yes_that_was_said_before_the_stop_or_with_it_does_not_although_the_log_has_it_after(second: float) -> None:
    assert asked_for(CLEAR, joined(), *FIRST, stopped(5), yes(second), *recording(6)) == []


def test_where_consent_is_kept_a_second_recording_needs_no_other_yes() -> None:
    assert asked_for(KEEP, joined(), yes(1), *FIRST, stopped(5), *recording(6)) == ["ann"]


def test_a_recording_that_did_not_come_about_ends_no_yes() -> None:
    failed = RecordingFailed(at=at(7), **IN, recording_id="rec", reason="no worker answered")
    assert asked_for(CLEAR, joined(), yes(1), FIRST[0], failed, *recording(8)) == ["ann"]


def test_every_stop_counts_whatever_the_order_of_their_moments() -> None:
    twice = (*recording(5, "second"), stopped(4, "second"))
    assert asked_for(CLEAR, joined(), *FIRST, stopped(6), *twice, yes(5), *recording(8)) == []


# --- leaving


@pytest.mark.parametrize("reason", ["quit", "timeout", "replaced"])
def test_who_left_and_came_back_has_to_say_yes_again(reason: LeaveReason) -> None:
    back = (CLEAR, joined(), yes(1), left(3, reason=reason), joined(3))
    assert asked_for(*back, *recording(4)) == []
    assert asked_for(*back, *recording(4), yes(5)) == ["ann"]


def test_a_yes_of_before_leaving_does_not_count_wherever_the_log_has_it() -> None:
    assert asked_for(CLEAR, joined(), left(3), yes(2), joined(4), *recording(5)) == []
    assert asked_for(CLEAR, joined(), left(3), joined(4), *recording(5), yes(2)) == []


def test_a_yes_of_after_leaving_counts_wherever_the_log_has_it() -> None:
    assert asked_for(CLEAR, joined(), yes(1), yes(5), left(3), joined(4), *recording(6)) == ["ann"]


def test_who_leaves_takes_nobody_elses_yes_away() -> None:
    everybody = (joined(), joined(who="bob"), yes(1), yes(1, "bob"))
    assert asked_for(CLEAR, *everybody, left(3), joined(4), *recording(5)) == ["bob"]


def test_where_consent_is_kept_who_comes_back_need_not_say_yes_again() -> None:
    assert asked_for(KEEP, joined(), yes(1), left(3), joined(4), *recording(5)) == ["ann"]


# --- words


def test_that_a_yes_was_cleared_changes_nothing_any_more() -> None:
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), yes(7), cleared(5), *recording(8)) == ["ann"]
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), cleared(5), yes(7), *recording(8)) == ["ann"]
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), cleared(5), *recording(8)) == []


def test_a_withdrawal_that_is_heard_of_late_undoes_the_yes_that_was_known_already() -> None:
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), yes(7), no(3), *recording(8)) == []


def test_a_refusal_after_the_stop_is_a_no() -> None:
    refused = ConsentRefused(at=at(7), **IN, participant_id="ann")
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, stopped(5), yes(6), refused, *recording(8)) == []


# --- pausing


def test_files_begin_while_the_recording_is_paused_and_go_on_when_it_is_resumed() -> None:
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, paused(3)) == ["ann"]
    assert asked_for(CLEAR, joined(), *FIRST, paused(3), yes(4)) == ["ann"]
    assert asked_for(CLEAR, joined(), yes(1), *FIRST, paused(3), resumed(5)) == ["ann"]


def test_a_recording_that_was_stopped_before_it_started_leaves_nothing_to_do() -> None:
    session = after(CLEAR, joined(), yes(1), FIRST[0], stopped(3))
    assert session
    assert due(session, at(20)) == []
