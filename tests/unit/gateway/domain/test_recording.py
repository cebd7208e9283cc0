from __future__ import annotations

from dataclasses import replace

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.gateway.domain.recording import (
    RECORDING,
    AlreadyRecordingError,
    FailRecording,
    InvalidRecordingIdError,
    PauseRecording,
    RecordingCommand,
    RecordingHappened,
    StartRecording,
    StopRecording,
)
from shared.contracts.recording import (
    ConfirmRecording,
    RecordingFailed,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    StopReason,
)
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history


def start(recording: str = "a", second: float = 1) -> StartRecording:
    return StartRecording("r", "s", recording, "ann", at(second))


def resume(second: float = 2.4, recording: str = "another") -> StartRecording:
    return StartRecording("r", "s", recording, "bob", at(second), resumes=True)


def confirm(recording: str = "a", second: float = 2) -> ConfirmRecording:
    return ConfirmRecording(at=at(second), room_id="r", session_id="s", recording_id=recording, worker_id="worker")


def pause(second: float = 2.2) -> PauseRecording:
    return PauseRecording("r", "s", "ann", at(second))


def stop(recording: str | None = "a", second: float = 3, reason: StopReason = "requested") -> StopRecording:
    """None: whichever runs, or waits for a worker."""
    return StopRecording("r", "s", at(second), recording, reason, "bob")


def fail(recording: str = "a", second: float = 7) -> FailRecording:
    return FailRecording("r", "s", recording, "no worker answered", at(second))


def requested(recording: str = "a", second: float = 1) -> RecordingRequested:
    return RecordingRequested(at=at(second), room_id="r", session_id="s", recording_id=recording, requested_by="ann")


def started(recording: str = "a", second: float = 2) -> RecordingStarted:
    return RecordingStarted(at=at(second), room_id="r", session_id="s", recording_id=recording, worker_id="worker")


def paused(recording: str = "a", second: float = 2.2) -> RecordingPaused:
    return RecordingPaused(at=at(second), room_id="r", session_id="s", recording_id=recording, requested_by="ann")


def resumed(recording: str = "a", second: float = 2.4) -> RecordingResumed:
    return RecordingResumed(at=at(second), room_id="r", session_id="s", recording_id=recording, requested_by="bob")


def stopped(recording: str = "a", second: float = 3, reason: StopReason = "requested") -> RecordingStopped:
    return RecordingStopped(
        at=at(second), room_id="r", session_id="s", recording_id=recording, reason=reason, requested_by="bob"
    )


def failed(recording: str = "a", second: float = 7) -> RecordingFailed:
    return RecordingFailed(
        at=at(second), room_id="r", session_id="s", recording_id=recording, reason="no worker answered"
    )


def test_a_start_is_a_request_until_a_worker_is_ready() -> None:
    given(RECORDING).when(start()).then(requested())


def test_a_ready_worker_starts_the_recording() -> None:
    given(RECORDING, requested()).when(confirm()).then(started())


def test_a_second_start_is_refused_while_the_first_waits_for_a_worker() -> None:
    given(RECORDING, requested()).when(start("b")).then_refused(AlreadyRecordingError)


def test_a_second_start_is_refused_while_a_recording_runs() -> None:
    given(RECORDING, requested(), started()).when(start("b")).then_refused(AlreadyRecordingError)


def test_the_refusal_says_what_to_stop_first() -> None:
    refusal = given(RECORDING, requested(), started()).when(start("b")).refusal
    assert refusal is not None
    assert (refusal.code, str(refusal)) == ("already_recording", "session s is being recorded already: stop a first")


def test_the_same_start_again_is_accepted_and_starts_nothing() -> None:
    given(RECORDING, requested()).when(start()).then_nothing()
    given(RECORDING, requested(), started(), stopped()).when(start()).then_nothing()


def test_the_session_may_be_recorded_again_after_a_stop_or_a_failure() -> None:
    given(RECORDING, requested(), started(), stopped()).when(start("b", 9)).then(requested("b", 9))
    given(RECORDING, requested(), failed()).when(start("b", 9)).then(requested("b", 9))


def test_a_running_recording_is_stopped_by_whoever_asks_with_the_reason_given() -> None:
    given(RECORDING, requested(), started()).when(stop()).then(stopped())
    given(RECORDING, requested(), started()).when(stop(reason="session_ended")).then(stopped(reason="session_ended"))


def test_who_stops_it_may_throw_it_away_and_the_log_says_so() -> None:
    discard = replace(stop(), discards=True)
    discarded = stopped().model_copy(update={"discarded": True})
    given(RECORDING, requested(), started()).when(discard).then(discarded)
    given(RECORDING, requested()).when(replace(discard, recording_id=None)).then(discarded)
    given(RECORDING, requested(), started(), discarded).when(discard).then_refused(InvalidRecordingIdError)


def test_what_waits_for_a_worker_cannot_be_stopped() -> None:
    given(RECORDING, requested()).when(stop()).then_refused(InvalidRecordingIdError)


def test_another_recording_id_stops_nothing() -> None:
    given(RECORDING, requested(), started()).when(stop("b")).then_refused(InvalidRecordingIdError)


def test_what_does_not_run_cannot_be_stopped() -> None:
    given(RECORDING).when(stop()).then_refused(InvalidRecordingIdError)
    given(RECORDING, requested(), started(), stopped()).when(stop()).then_refused(InvalidRecordingIdError)


def test_a_request_that_no_worker_answers_fails() -> None:
    given(RECORDING, requested()).when(fail()).then(failed())


def test_what_a_worker_has_started_does_not_fail_for_want_of_one() -> None:
    given(RECORDING, requested(), started()).when(fail()).then_nothing()


def test_a_worker_that_comes_too_late_starts_nothing() -> None:
    given(RECORDING, requested(), failed()).when(confirm()).then_nothing()
    given(RECORDING, requested(), started(), stopped()).when(confirm()).then_nothing()


def test_only_one_worker_starts_a_recording() -> None:
    given(RECORDING, requested(), started()).when(confirm(second=4)).then_nothing()


def test_a_worker_for_another_recording_starts_nothing() -> None:
    given(RECORDING, requested()).when(confirm("b")).then_nothing()
    given(RECORDING, requested()).when(fail("b")).then_nothing()


# --- what holds for any sequence

_EVENTS = (requested, started, paused, resumed, stopped, failed)

_ids = st.sampled_from(["a", "b", "c"])
_commands: st.SearchStrategy[list[RecordingCommand]] = st.lists(
    st.one_of(
        *(st.builds(kind, _ids) for kind in (start, confirm, stop, fail)),
        st.builds(resume, st.integers(2, 9), st.sampled_from(["a", "b", "c", "d", "e"])),
        st.builds(pause, st.integers(2, 9)),
        st.just(stop(None)),
    ),
    max_size=20,
)
_events: st.SearchStrategy[list[RecordingHappened]] = st.lists(st.one_of([st.builds(kind, _ids) for kind in _EVENTS]))


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[RecordingCommand]) -> None:
    assert_repeating_writes_nothing(RECORDING, commands)


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[RecordingHappened]) -> None:
    recordings = RECORDING.fold(events)
    assert recordings.known == {event.recording_id for event in events if isinstance(event, RecordingRequested)}


@for_all(_commands)
def test_at_most_one_recording_runs_and_each_runs_once(commands: list[RecordingCommand]) -> None:
    running: str | None = None
    begun: list[str] = []
    for event in history(RECORDING, commands):
        match event:
            case RecordingRequested():
                assert running is None
                running = event.recording_id
            case RecordingStarted():
                assert event.recording_id == running
                begun.append(running)
            case RecordingPaused() | RecordingResumed():
                assert event.recording_id == running == begun[-1]
            case RecordingStopped() | RecordingFailed():
                assert event.recording_id == running
                running = None
    assert len(begun) == len(set(begun))


@for_all(_commands)
def test_every_recording_ends_once_and_fails_only_if_it_was_not_started(commands: list[RecordingCommand]) -> None:
    events = history(RECORDING, commands)
    of = {kind: [e.recording_id for e in events if isinstance(e, kind)] for kind in _ENDS}
    assert not set(of[RecordingFailed]) & set(of[RecordingStarted] + of[RecordingStopped])
    assert all(len(ids) == len(set(ids)) for ids in of.values())


_ENDS: tuple[type[RecordingHappened], ...] = (RecordingStarted, RecordingStopped, RecordingFailed)


@for_all(_commands)
def test_only_who_means_whichever_stops_what_was_not_started(commands: list[RecordingCommand]) -> None:
    events = history(RECORDING, [command for command in commands if command != stop(None)])
    of = {kind: {e.recording_id for e in events if isinstance(e, kind)} for kind in _ENDS}
    assert of[RecordingStopped] <= of[RecordingStarted]
