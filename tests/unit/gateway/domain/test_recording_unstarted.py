"""Stopping a room recording that may not have started yet."""

from __future__ import annotations

from services.gateway.domain.recording import RECORDING, RecorderNotStartedError
from tests.support.specification import given
from tests.unit.gateway.domain.test_recording import (
    confirm,
    fail,
    failed,
    requested,
    start,
    started,
    stop,
    stopped,
)


def test_what_waits_for_a_worker_can_be_stopped_by_who_means_whichever() -> None:
    given(RECORDING, requested()).when(stop(None)).then(stopped())


def test_who_means_whichever_stops_what_a_worker_has_started_meanwhile_as_well() -> None:
    given(RECORDING, requested(), started()).when(stop(None)).then(stopped())


def test_where_none_runs_or_waits_for_a_worker_none_can_be_stopped() -> None:
    for events in ((), (requested(), stopped()), (requested(), failed()), (requested(), started(), stopped())):
        given(RECORDING, *events).when(stop(None)).then_refused(RecorderNotStartedError)


def test_a_worker_that_comes_after_such_a_stop_disturbs_nothing() -> None:
    stopped_early = (requested(), stopped())
    given(RECORDING, *stopped_early).when(confirm(second=4)).then_nothing()
    given(RECORDING, *stopped_early).when(fail()).then_nothing()
    given(RECORDING, *stopped_early, requested("b", 5)).when(confirm(second=6)).then_nothing()


def test_after_such_a_stop_another_recording_may_start() -> None:
    given(RECORDING, requested(), stopped()).when(start("b", 9)).then(requested("b", 9))
