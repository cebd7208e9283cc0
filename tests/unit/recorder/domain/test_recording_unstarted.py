"""Stopping a room recording that may not have started yet."""

from __future__ import annotations

from services.recorder.domain.recording import RECORDING, InvalidRecordingIdError
from tests.support.specification import given
from tests.unit.recorder.domain.test_recording import (
    confirm,
    fail,
    failed,
    requested,
    start,
    started,
    stop,
    stopped,
)


def test_what_waits_for_a_worker_can_be_stopped_by_who_says_so() -> None:
    given(RECORDING, requested()).when(stop(unstarted=True)).then(stopped())


def test_who_says_so_stops_what_a_worker_has_started_meanwhile_as_well() -> None:
    given(RECORDING, requested(), started()).when(stop(unstarted=True)).then(stopped())


def test_whether_it_started_or_not_only_what_runs_can_be_stopped() -> None:
    for events in ((), (requested(), stopped()), (requested(), failed())):
        given(RECORDING, *events).when(stop(unstarted=True)).then_refused(InvalidRecordingIdError)
    given(RECORDING, requested()).when(stop("b", unstarted=True)).then_refused(InvalidRecordingIdError)


def test_whichever_waits_for_a_worker_can_be_meant() -> None:
    given(RECORDING, requested()).when(stop(None, unstarted=True)).then(stopped())


def test_a_worker_that_comes_after_such_a_stop_disturbs_nothing() -> None:
    stopped_early = (requested(), stopped())
    given(RECORDING, *stopped_early).when(confirm(second=4)).then_nothing()
    given(RECORDING, *stopped_early).when(fail()).then_nothing()
    given(RECORDING, *stopped_early, requested("b", 5)).when(confirm(second=6)).then_nothing()


def test_after_such_a_stop_another_recording_may_start() -> None:
    given(RECORDING, requested(), stopped()).when(start("b", 9)).then(requested("b", 9))
