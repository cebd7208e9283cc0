"""Recordings that are thrown away: whoever stops one discards it, or its participant withdrew where that erases."""

from __future__ import annotations

import pytest

from services.recorder.domain.participant_recording import PARTICIPANT_RECORDING
from services.recorder.domain.participant_recording_errors import NotRecordingError, RecordingNotFoundError
from services.recorder.domain.participant_recording_life import ParticipantRecordingHappened
from services.recorder.keys import Remains
from shared.contracts.participant_recording import DeletionReason
from tests.support.moments import at
from tests.support.participant_recordings import (
    FILE,
    TIMELINE,
    confirm,
    fail,
    finish,
    started,
    stop_requested,
    stopped,
)
from tests.support.server_recordings import (
    awaited,
    confirm_erasure,
    delete,
    deleted,
    discard,
    erased,
    finish_track,
    finish_track_file,
    paused,
    start,
    stop_any,
    track_file_finished,
    wanted,
)
from tests.support.specification import given

Events = tuple[ParticipantRecordingHappened, ...]

RUNNING: Events = (wanted(), started())
STOPPING: Events = (*RUNNING, stop_requested())
STAMP = int(at(2).timestamp() * 1000)
STEM = f"team/s/ann/participant_recording_ann_{STAMP}"
WRITTEN = (f"{STEM}.webm", f"{STEM}.segment-1.webm")
DISCARDED = deleted(*WRITTEN, second=4, reason="discarded", written_by="worker")
THROWN_AWAY: tuple[DeletionReason, ...] = ("discarded", "withdrawn")


@pytest.mark.parametrize("events", [RUNNING, (*RUNNING, paused()), STOPPING])
def test_who_stops_a_recording_may_throw_it_away_until_it_is_finished(events: Events) -> None:
    given(PARTICIPANT_RECORDING, *events).when(discard(4)).then(DISCARDED)


@pytest.mark.parametrize("events", [(wanted(),), (awaited(),)])
def test_of_one_that_has_not_begun_there_is_nothing_to_erase(events: Events) -> None:
    given(PARTICIPANT_RECORDING, *events).when(discard(4)).then(deleted(second=4, reason="discarded"))


def test_of_one_of_a_track_go_the_files_that_are_in_place() -> None:
    files = (track_file_finished(), track_file_finished(path="2.webm"))
    track = [event.model_copy(update={"kind": "audio"}) for event in (*RUNNING, *files)]
    discarded = DISCARDED.model_copy(update={"kind": "audio", "paths": ("1.webm", "2.webm")})
    given(PARTICIPANT_RECORDING, *track).when(discard(4).model_copy(update={"kind": "audio"})).then(discarded)
    over = PARTICIPANT_RECORDING.fold([*track, discarded]).ended("a")
    assert over
    assert over.remains == Remains("team/s/ann/audio", "track_recording_ann_audio_", STAMP, STAMP + 2000)


def test_whatever_its_worker_may_have_left_is_known_by_its_name() -> None:
    over = PARTICIPANT_RECORDING.fold([*RUNNING, DISCARDED]).ended("a")
    assert over
    assert (over.paths, over.remains) == (WRITTEN, Remains("team/s/ann", "participant_recording_ann_", STAMP, STAMP))
    assert (over.deleted, over.erased) == (True, False)


def test_thrown_away_twice_is_thrown_away_once() -> None:
    for events in ((DISCARDED,), (DISCARDED, erased())):
        given(PARTICIPANT_RECORDING, *RUNNING, *events).when(discard(9)).then_nothing()


def test_what_has_ended_is_not_thrown_away_by_a_stop() -> None:
    for events in ((), (*STOPPING, stopped())):
        given(PARTICIPANT_RECORDING, *events).when(discard(9)).then_refused(NotRecordingError)


def test_what_was_thrown_away_cannot_be_stopped() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED).when(stop_any(9)).then_refused(NotRecordingError)


def test_its_worker_has_nothing_more_to_say() -> None:
    for report in (confirm(), finish(), fail(), finish_track_file(), finish_track()):
        given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED).when(report).then_nothing()


def test_nothing_is_wanted_of_it_any_more() -> None:
    assert not PARTICIPANT_RECORDING.fold([*RUNNING, DISCARDED]).is_wanted("a")
    for events in ((), RUNNING, (*STOPPING, stopped()), (*RUNNING, DISCARDED, wanted("b", 5))):
        assert PARTICIPANT_RECORDING.fold(events).is_wanted("b")
    assert PARTICIPANT_RECORDING.fold([*STOPPING, stopped()]).is_wanted("a")


def test_that_its_files_are_gone_is_said_once() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED).when(confirm_erasure()).then(erased())
    given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED, erased()).when(confirm_erasure()).then_nothing()


def test_another_may_begin_at_once() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED).when(start("b", 5)).then(wanted("b", 5))
    given(PARTICIPANT_RECORDING, *RUNNING, DISCARDED, wanted("b", 5)).when(discard(6)).then(
        deleted(one="b", second=6, reason="discarded")
    )


@pytest.mark.parametrize("reason", THROWN_AWAY)
def test_one_that_is_not_over_is_thrown_away_by_its_id(reason: DeletionReason) -> None:
    gone = deleted(*WRITTEN, reason=reason, written_by="worker")
    given(PARTICIPANT_RECORDING, *RUNNING).when(delete(reason=reason)).then(gone)
    given(PARTICIPANT_RECORDING, *STOPPING).when(delete(reason=reason)).then(gone)
    given(PARTICIPANT_RECORDING, *RUNNING, gone).when(delete(reason=reason, second=11)).then_nothing()


@pytest.mark.parametrize("reason", THROWN_AWAY)
def test_one_that_is_over_goes_with_its_files_and_nobody_has_to_let_go_of_them(reason: DeletionReason) -> None:
    finished = (*STOPPING, stopped())
    given(PARTICIPANT_RECORDING, *finished).when(delete(reason=reason)).then(
        deleted(FILE.path, TIMELINE.path, reason=reason)
    )
    given(PARTICIPANT_RECORDING, *finished, deleted(FILE.path)).when(delete(reason=reason, second=11)).then_nothing()


def test_an_older_one_goes_and_the_one_that_runs_stays() -> None:
    events = (*STOPPING, stopped(), wanted("b", 7))
    given(PARTICIPANT_RECORDING, *events).when(delete(reason="withdrawn")).then(
        deleted(FILE.path, TIMELINE.path, reason="withdrawn")
    )
    state = PARTICIPANT_RECORDING.fold([*events, deleted(FILE.path, reason="withdrawn")])
    assert state.is_in("b", "requested")


def test_what_was_never_recorded_cannot_be_thrown_away() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(delete("x", reason="withdrawn")).then_refused(RecordingNotFoundError)
