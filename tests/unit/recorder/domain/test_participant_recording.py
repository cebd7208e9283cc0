from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.recorder.domain.participant_recording import (
    PARTICIPANT_RECORDING,
    ParticipantAlreadyRecordingError,
    ParticipantRecordingCommand,
    ParticipantRecordingHappened,
)
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from tests.support.participant_recordings import (
    confirm,
    fail,
    failed,
    finish,
    request,
    requested,
    started,
    stop,
    stop_requested,
    stopped,
)
from tests.support.specification import assert_repeating_writes_nothing, given, history

WAITING = (requested(),)
RUNNING = (requested(), started())
STOPPING = (requested(), started(), stop_requested())
FINISHED = (requested(), started(), stop_requested(), stopped())


def test_a_participant_recording_is_a_request_until_a_worker_writes() -> None:
    given(PARTICIPANT_RECORDING).when(request()).then(requested())


def test_a_worker_that_writes_starts_it() -> None:
    given(PARTICIPANT_RECORDING, *WAITING).when(confirm()).then(started())


def test_a_stop_lets_the_worker_finish_the_file() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(stop()).then(stop_requested())


def test_a_finished_file_ends_it() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(finish()).then(stopped())


def test_a_worker_that_is_drained_may_finish_unasked() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(finish()).then(stopped())


def test_a_stop_before_a_worker_wrote_anything_leaves_no_file() -> None:
    given(PARTICIPANT_RECORDING, *WAITING).when(stop()).then(failed(second=3, reason="stopped before a worker began"))


def test_it_may_fail_at_any_time_before_its_end() -> None:
    for events in (WAITING, RUNNING, STOPPING):
        given(PARTICIPANT_RECORDING, *events).when(fail()).then(failed())


def test_what_has_ended_does_not_fail_any_more() -> None:
    given(PARTICIPANT_RECORDING, *FINISHED).when(fail()).then_nothing()


def test_another_is_refused_while_one_runs_or_its_file_is_being_finished() -> None:
    for events in (WAITING, RUNNING, STOPPING):
        given(PARTICIPANT_RECORDING, *events).when(request("b")).then_refused(ParticipantAlreadyRecordingError)


def test_another_may_follow_one_that_has_ended() -> None:
    given(PARTICIPANT_RECORDING, *FINISHED).when(request("b", 9)).then(requested("b", 9))
    given(PARTICIPANT_RECORDING, *WAITING, failed()).when(request("b", 9)).then(requested("b", 9))


def test_an_id_is_used_once() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(request()).then_nothing()
    given(PARTICIPANT_RECORDING, *FINISHED).when(request()).then_nothing()


def test_a_second_worker_does_not_start_it_again() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(confirm(second=3)).then_nothing()


def test_a_worker_that_comes_too_late_starts_nothing() -> None:
    given(PARTICIPANT_RECORDING, *WAITING, failed()).when(confirm()).then_nothing()
    given(PARTICIPANT_RECORDING, *STOPPING).when(confirm()).then_nothing()


def test_a_file_that_no_worker_began_cannot_be_finished() -> None:
    given(PARTICIPANT_RECORDING, *WAITING).when(finish()).then_nothing()


def test_a_second_stop_does_not_move_the_end_of_the_file() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(stop(second=8)).then_nothing()


def test_words_about_another_recording_change_nothing() -> None:
    for command in (confirm("b"), stop("b"), finish("b"), fail("b")):
        given(PARTICIPANT_RECORDING, *RUNNING).when(command).then_nothing()


# --- what holds for any sequence

_ids = st.sampled_from(["a", "b", "c"])
_commands: st.SearchStrategy[list[ParticipantRecordingCommand]] = st.lists(
    st.one_of([st.builds(kind, _ids) for kind in (request, confirm, stop, finish, fail)]), max_size=20
)
_events: st.SearchStrategy[list[ParticipantRecordingHappened]] = st.lists(
    st.one_of([st.builds(kind, _ids) for kind in (requested, started, stop_requested, stopped, failed)])
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[ParticipantRecordingCommand]) -> None:
    assert_repeating_writes_nothing(PARTICIPANT_RECORDING, commands)


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[ParticipantRecordingHappened]) -> None:
    known = {e.participant_recording_id for e in events if isinstance(e, ParticipantRecordingRequested)}
    assert PARTICIPANT_RECORDING.fold(events).known == known


@for_all(_commands)
def test_at_most_one_runs_and_each_is_requested_and_ends_once(commands: list[ParticipantRecordingCommand]) -> None:
    running: str | None = None
    requests: list[str] = []
    for event in history(PARTICIPANT_RECORDING, commands):
        match event:
            case ParticipantRecordingRequested():
                assert running is None
                running = event.participant_recording_id
                requests.append(running)
            case ParticipantRecordingStarted() | ParticipantRecordingStopRequested():
                assert event.participant_recording_id == running
            case ParticipantRecordingStopped() | ParticipantRecordingFailed():
                assert event.participant_recording_id == running
                running = None
    assert len(requests) == len(set(requests))
