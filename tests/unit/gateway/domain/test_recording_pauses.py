"""Pausing a room recording and going on with it."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.gateway.domain.recording import (
    RECORDING,
    AlreadyRecordingError,
    RecorderNotStartedError,
    RecordingCommand,
)
from shared.contracts.recording import RecordingPaused, RecordingRequested, RecordingResumed, RecordingStopped
from tests.support.specification import given, history
from tests.unit.gateway.domain.test_recording import (
    confirm,
    fail,
    failed,
    pause,
    paused,
    requested,
    resume,
    resumed,
    start,
    started,
    stop,
    stopped,
)

RUNNING = (requested(), started())
PAUSED = (*RUNNING, paused(second=3))
NONE_RUNS = ((), (requested(), failed()), (requested(), stopped()), (*RUNNING, stopped()))


def test_a_running_recording_is_paused_at_the_moment_it_was_asked_for() -> None:
    given(RECORDING, *RUNNING).when(pause(3)).then(paused(second=3))


def test_a_paused_recording_is_resumed_at_the_moment_it_was_asked_for() -> None:
    given(RECORDING, *PAUSED).when(resume(4)).then(resumed(second=4))


def test_a_recording_may_be_paused_as_often_as_one_likes() -> None:
    given(RECORDING, *PAUSED, resumed(second=4)).when(pause(5)).then(paused(second=5))


def test_a_paused_recording_is_not_paused_again() -> None:
    for second in (3, 4):
        given(RECORDING, *PAUSED).when(pause(second)).then_nothing()


def test_a_pause_that_was_said_before_another_one_and_comes_after_it_counts_from_when_it_was_said() -> None:
    given(RECORDING, *PAUSED).when(pause(2.5)).then(paused(second=2.5))
    for second in (2.5, 3):
        given(RECORDING, *PAUSED, paused(second=2.5)).when(pause(second)).then_nothing()
    given(RECORDING, *PAUSED, paused(second=2.5)).when(resume(2.7)).then(resumed(second=2.7))


def test_a_recording_that_runs_is_let_be_by_who_would_go_on_with_it() -> None:
    given(RECORDING, *RUNNING).when(resume()).then_nothing()
    given(RECORDING, *PAUSED, resumed(second=4)).when(resume(5)).then_nothing()


def test_a_recording_that_waits_for_a_worker_is_let_be_as_well() -> None:
    given(RECORDING, requested()).when(resume()).then_nothing()


def test_where_none_runs_who_would_go_on_with_one_starts_one() -> None:
    asked = RecordingRequested(**{**requested("another", 9).model_dump(), "requested_by": "bob"})
    for events in NONE_RUNS:
        given(RECORDING, *events).when(resume(9, "another")).then(asked)


def test_one_that_was_started_so_and_is_over_does_not_start_again_when_the_command_comes_again() -> None:
    given(RECORDING, requested("another"), failed("another")).when(resume(9, "another")).then_nothing()


def test_a_recording_that_has_not_started_or_is_over_cannot_be_paused() -> None:
    for events in (*NONE_RUNS, (requested(),)):
        given(RECORDING, *events).when(pause()).then_refused(RecorderNotStartedError)


def test_whichever_recording_runs_can_be_stopped() -> None:
    given(RECORDING, *RUNNING).when(stop(None, 5)).then(stopped(second=5))
    given(RECORDING, *PAUSED).when(stop(None, 5)).then(stopped(second=5))


def test_where_none_runs_the_refusal_says_what_to_do() -> None:
    for events in NONE_RUNS:
        for command in (pause(), stop(None)):
            refusal = given(RECORDING, *events).when(command).refusal
            assert isinstance(refusal, RecorderNotStartedError)
            assert refusal.code == "recorder_not_started"
            assert str(refusal) == "no recording is running in session s: start one first"


def test_a_resume_that_was_said_before_the_pause_and_comes_after_it_does_not_undo_it() -> None:
    for second in (2.9, 3):
        given(RECORDING, *PAUSED).when(resume(second)).then_nothing()


def test_a_pause_that_was_said_before_the_resume_and_comes_after_it_counts_from_when_it_was_said() -> None:
    given(RECORDING, *PAUSED, resumed(second=6)).when(pause(5)).then(paused(second=5))


def test_a_paused_recording_can_be_stopped() -> None:
    given(RECORDING, *PAUSED).when(stop(second=4)).then(stopped(second=4))
    given(RECORDING, *PAUSED).when(stop(second=4, reason="session_ended")).then(
        stopped(second=4, reason="session_ended")
    )


def test_a_paused_recording_is_neither_started_again_nor_failed() -> None:
    given(RECORDING, *PAUSED).when(confirm(second=4)).then_nothing()
    given(RECORDING, *PAUSED).when(fail()).then_nothing()
    given(RECORDING, *PAUSED).when(start(second=4)).then_nothing()
    given(RECORDING, *PAUSED).when(start("b", 4)).then_refused(AlreadyRecordingError)


def test_the_next_recording_after_one_that_was_paused_is_not() -> None:
    another = (*PAUSED, stopped(second=4), requested("b", 5), started("b", 6))
    given(RECORDING, *another).when(resume(7)).then_nothing()
    given(RECORDING, *another).when(pause(7)).then(paused("b", 7))


# --- what holds for any sequence

_seconds = st.integers(0, 9)
_commands: st.SearchStrategy[list[RecordingCommand]] = st.builds(
    lambda later: [start(), confirm(), *later],
    st.lists(st.one_of(st.builds(pause, _seconds), st.builds(resume, _seconds), st.just(stop())), max_size=20),
)


@for_all(_commands)
def test_each_resume_lies_after_its_pause_and_only_an_earlier_pause_follows_another(
    commands: list[RecordingCommand],
) -> None:
    pause_began: RecordingPaused | None = None
    for event in history(RECORDING, commands):
        match event:
            case RecordingPaused():
                assert pause_began is None or event.at < pause_began.at
                pause_began = event
            case RecordingResumed():
                assert pause_began is not None
                assert event.at > pause_began.at
                pause_began = None
            case RecordingStopped():
                pause_began = None
            case _:
                pass
