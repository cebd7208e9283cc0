from __future__ import annotations

from services.recorder.domain.participant_recording import PARTICIPANT_RECORDING
from services.recorder.domain.participant_recording_errors import NotRecordingError, ParticipantAlreadyRecordingError
from tests.support.moments import at
from tests.support.participant_recordings import (
    confirm,
    fail,
    failed,
    finish,
    flow_started,
    flow_stopped,
    give_up,
    report_flow,
    request,
    requested,
    started,
    stop,
    stop_requested,
    stopped,
)
from tests.support.specification import given

WAITING = (requested(),)
RUNNING = (requested(), started())
STOPPING = (requested(), started(), stop_requested())
FINISHED = (requested(), started(), stop_requested(), stopped())


def test_a_participant_recording_is_a_request_until_a_worker_writes() -> None:
    given(PARTICIPANT_RECORDING).when(request()).then(requested())


def test_a_worker_that_writes_starts_it() -> None:
    given(PARTICIPANT_RECORDING, *WAITING).when(confirm()).then(started())


def test_one_worker_has_begun_it_at_one_moment() -> None:
    state = given(PARTICIPANT_RECORDING, *RUNNING).state
    assert state.is_begun("a", "worker", at(2))
    assert not state.is_begun("b", "worker", at(2))
    assert not state.is_begun("a", "another", at(2))
    assert not state.is_begun("a", "worker", at(3))
    for events in ((), WAITING, FINISHED):
        assert not given(PARTICIPANT_RECORDING, *events).state.is_begun("a", "worker", at(2))


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


def test_one_that_a_worker_has_begun_is_not_given_up_for_the_want_of_one() -> None:
    """Whoever gives it up may not have heard yet that it was begun. Seen to fail: its worker went on, unknown."""
    for events in (RUNNING, STOPPING):
        given(PARTICIPANT_RECORDING, *events).when(give_up("requested")).then_nothing()
    given(PARTICIPANT_RECORDING, *WAITING).when(give_up("requested")).then(failed())


def test_a_second_worker_does_not_fail_what_the_first_one_writes() -> None:
    for events in (RUNNING, STOPPING):
        given(PARTICIPANT_RECORDING, *events).when(fail(worker="another")).then_nothing()
    given(PARTICIPANT_RECORDING, *WAITING).when(fail(worker="another")).then(failed())


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


# --- flow


def test_packets_that_flow_are_told_of_until_they_do_not() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(report_flow("audio", flows=True)).then(flow_started("audio"))
    flowing = (*RUNNING, flow_started("audio"))
    given(PARTICIPANT_RECORDING, *flowing).when(report_flow("audio", flows=False)).then(flow_stopped("audio"))
    given(PARTICIPANT_RECORDING, *flowing, flow_stopped("audio")).when(report_flow("audio", flows=True)).then(
        flow_started("audio")
    )


def test_a_flow_that_is_told_again_is_no_news() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(report_flow("audio", flows=False)).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING, flow_started("audio")).when(report_flow("audio", flows=True)).then_nothing()


def test_each_track_flows_by_itself() -> None:
    flowing = (*RUNNING, flow_started("audio"))
    given(PARTICIPANT_RECORDING, *flowing).when(report_flow("video", flows=True)).then(flow_started("video"))
    given(PARTICIPANT_RECORDING, *flowing).when(report_flow("video", flows=False)).then_nothing()


def test_a_flow_is_told_of_while_it_is_recorded_alone() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(report_flow("audio", flows=True)).then(flow_started("audio"))
    for events in ((), WAITING, FINISHED):
        given(PARTICIPANT_RECORDING, *events).when(report_flow("audio", flows=True)).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING).when(report_flow("audio", "b", flows=True)).then_nothing()


def test_a_recording_knows_nothing_of_the_flow_of_the_one_before_it() -> None:
    before = (*RUNNING, flow_started("audio"), stopped())
    after = (requested("b"), started("b"))
    given(PARTICIPANT_RECORDING, *before, *after).when(report_flow("audio", "b", flows=True)).then(
        flow_started("audio", "b")
    )


def test_a_second_stop_does_not_move_the_end_of_the_file() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(stop(second=8)).then_nothing()


def test_words_about_another_recording_change_nothing() -> None:
    for command in (confirm("b"), finish("b"), fail("b")):
        given(PARTICIPANT_RECORDING, *RUNNING).when(command).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING).when(stop("b")).then_refused(NotRecordingError)
