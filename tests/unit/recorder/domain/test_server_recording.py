"""Participant recordings that a server asks for, and what it may do with any of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.recorder.domain.participant_recording import PARTICIPANT_RECORDING, participant_recording
from services.recorder.domain.participant_recording_errors import (
    ConsentRequiredError,
    NotRecordingError,
    NotStartedError,
    ParticipantAlreadyRecordingError,
    RecordingNotFoundError,
    RecordingRunningError,
)
from services.recorder.domain.participant_recording_life import ParticipantRecordingHappened
from services.recorder.keys import Remains
from tests.support.moments import at
from tests.support.participant_recordings import (
    FILE,
    TIMELINE,
    confirm,
    failed,
    finish,
    give_up,
    request,
    requested,
    started,
    stop,
    stop_requested,
    stopped,
)
from tests.support.server_recordings import (
    awaited,
    came,
    confirm_erasure,
    delete,
    deleted,
    erased,
    finish_track,
    finish_track_file,
    pause,
    paused,
    refused,
    resume,
    resumed,
    start,
    stop_any,
    track_file_finished,
    track_stopped,
    wanted,
)
from tests.support.specification import given

Events = tuple[ParticipantRecordingHappened, ...]

AWAITED: Events = (awaited(),)
WAITING: Events = (wanted(),)
RUNNING: Events = (*WAITING, started())
PAUSED: Events = (*RUNNING, paused())
STOPPING: Events = (*RUNNING, stop_requested())
FINISHED: Events = (*STOPPING, stopped())
#: What a finished one leaves to be erased.
PATHS = (FILE.path, TIMELINE.path)
UNFINISHED = (AWAITED, WAITING, RUNNING, PAUSED, STOPPING)


# --- starting


def test_who_is_there_and_consents_is_recorded_as_the_server_asked() -> None:
    given(PARTICIPANT_RECORDING).when(start()).then(wanted())


def test_who_is_not_there_is_waited_for() -> None:
    given(PARTICIPANT_RECORDING).when(start(present=False)).then(awaited(grace=60))


def test_how_long_can_be_set() -> None:
    given(participant_recording(timedelta(seconds=5))).when(start(present=False)).then(awaited(grace=5))


@pytest.mark.parametrize("present", [True, False])
def test_that_somebody_was_to_be_recorded_without_consent_is_on_record_and_nothing_else(present: bool) -> None:
    given(PARTICIPANT_RECORDING).when(start(consents=False, present=present)).then(refused())


def test_asked_so_again_it_is_refused_again_and_nothing_written() -> None:
    given(PARTICIPANT_RECORDING, refused()).when(start(consents=False)).then_refused(ConsentRequiredError)
    given(PARTICIPANT_RECORDING, refused()).when(start()).then_refused(ConsentRequiredError)


def test_after_a_refusal_the_participant_can_be_recorded() -> None:
    given(PARTICIPANT_RECORDING, refused()).when(start("b")).then(wanted("b"))


@pytest.mark.parametrize("events", [*UNFINISHED, (requested(),), (requested(), started())])
@pytest.mark.parametrize("consents", [True, False])
def test_a_second_one_is_refused_whoever_asked_for_the_first(events: Events, consents: bool) -> None:
    again = start("b", consents=consents)
    given(PARTICIPANT_RECORDING, *events).when(again).then_refused(ParticipantAlreadyRecordingError)


@pytest.mark.parametrize("events", [*UNFINISHED, FINISHED, (*AWAITED, failed())])
def test_the_same_start_again_writes_nothing(events: Events) -> None:
    given(PARTICIPANT_RECORDING, *events).when(start()).then_nothing()


def test_a_room_recordings_file_waits_until_the_servers_one_is_over() -> None:
    for events in UNFINISHED:
        given(PARTICIPANT_RECORDING, *events).when(request("b")).then_refused(ParticipantAlreadyRecordingError)
    given(PARTICIPANT_RECORDING, *FINISHED).when(request("b")).then(requested("b"))


def test_a_room_recordings_file_goes_below_its_rooms_prefix() -> None:
    below = requested().model_copy(update={"storage_prefix": "team"})
    given(PARTICIPANT_RECORDING).when(replace(request(), storage_prefix="team")).then(below)


# --- waiting for somebody


def test_who_was_waited_for_and_came_is_recorded_as_the_server_asked() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED).when(came()).then(wanted(second=2, awaited=True))


def test_who_came_is_recorded_once() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED, wanted(second=2, awaited=True)).when(came(second=3)).then_nothing()


def test_nobody_is_recorded_any_more_who_comes_too_late() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED, failed()).when(came()).then_nothing()


def test_who_does_not_come_is_not_recorded() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED).when(give_up("awaited", reason="participant did not come")).then(
        failed(reason="participant did not come")
    )


def test_who_came_while_they_were_given_up_is_recorded() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED, wanted(second=2, awaited=True)).when(give_up("awaited")).then_nothing()


@pytest.mark.parametrize("command", [confirm(), finish(), finish_track_file(), finish_track()])
def test_no_worker_records_somebody_who_is_waited_for(command: object) -> None:
    given(PARTICIPANT_RECORDING, *AWAITED).when(command).then_nothing()  # type: ignore[arg-type]


# --- stopping


@pytest.mark.parametrize("command", [stop(), stop_any()])
def test_a_stop_ends_the_file_at_its_moment_with_or_without_the_id(command: object) -> None:
    for events in (RUNNING, PAUSED):
        given(PARTICIPANT_RECORDING, *events).when(command).then(stop_requested())  # type: ignore[arg-type]


def test_a_stop_ends_the_waiting() -> None:
    never_came = failed(second=3, reason="stopped before the participant came")
    given(PARTICIPANT_RECORDING, *AWAITED).when(stop_any()).then(never_came)
    given(PARTICIPANT_RECORDING, *WAITING).when(stop_any()).then(
        failed(second=3, reason="stopped before a worker began")
    )


def test_a_server_may_stop_a_room_recordings_file() -> None:
    given(PARTICIPANT_RECORDING, requested(), started()).when(stop_any()).then(stop_requested())
    given(PARTICIPANT_RECORDING, requested(), started(), stop_requested(), stopped()).when(request()).then_nothing()


def test_what_is_stopping_already_needs_no_other_stop() -> None:
    for second in (3, 4):
        given(PARTICIPANT_RECORDING, *STOPPING).when(stop_any(second)).then_nothing()


def test_a_stop_that_was_said_before_another_one_and_comes_after_it_ends_the_file_where_it_was_said() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(stop_any(2.5)).then(stop_requested(second=2.5))
    for second in (2.5, 3):
        given(PARTICIPANT_RECORDING, *STOPPING, stop_requested(second=2.5)).when(stop_any(second)).then_nothing()


@pytest.mark.parametrize("events", [(), FINISHED, (refused(),), (*AWAITED, failed())])
@pytest.mark.parametrize("command", [stop_any(), pause(), resume()])
def test_where_nothing_runs_there_is_nothing_to_stop_or_pause(events: Events, command: object) -> None:
    given(PARTICIPANT_RECORDING, *events).when(command).then_refused(NotRecordingError)  # type: ignore[arg-type]


def test_a_stop_of_one_that_was_never_heard_of_is_refused_and_one_that_is_over_is_stopped() -> None:
    for events in (RUNNING, (refused("x"),), (refused("x"), *RUNNING)):
        given(PARTICIPANT_RECORDING, *events).when(stop("x")).then_refused(NotRecordingError)
    given(PARTICIPANT_RECORDING, *FINISHED).when(stop()).then_nothing()
    given(PARTICIPANT_RECORDING, *FINISHED, wanted("b", 7)).when(stop()).then_nothing()


# --- pausing


def test_a_pause_and_what_follows_it() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(pause()).then(paused())
    given(PARTICIPANT_RECORDING, *PAUSED).when(resume()).then(resumed())
    given(PARTICIPANT_RECORDING, *PAUSED, resumed()).when(pause(7)).then(paused(second=7))


def test_a_room_recordings_file_may_be_paused_too() -> None:
    given(PARTICIPANT_RECORDING, requested(), started()).when(pause()).then(paused())


def test_paused_or_resumed_twice_writes_nothing() -> None:
    given(PARTICIPANT_RECORDING, *PAUSED).when(pause(7)).then_nothing()
    given(PARTICIPANT_RECORDING, *PAUSED, resumed()).when(resume(7)).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING).when(resume()).then_nothing()


def test_a_pause_that_was_said_before_another_one_and_comes_after_it_counts_from_when_it_was_said() -> None:
    given(PARTICIPANT_RECORDING, *PAUSED).when(pause(2.5)).then(paused(second=2.5))
    for second in (2.5, 3):
        given(PARTICIPANT_RECORDING, *PAUSED, paused(second=2.5)).when(pause(second)).then_nothing()
    given(PARTICIPANT_RECORDING, *PAUSED, paused(second=2.5)).when(resume(2.7)).then(resumed(second=2.7))


@pytest.mark.parametrize("second", [2, 3])
def test_a_resume_that_was_said_before_the_pause_does_not_undo_it(second: float) -> None:
    given(PARTICIPANT_RECORDING, *PAUSED).when(resume(second)).then_nothing()


@pytest.mark.parametrize("events", [AWAITED, WAITING])
def test_what_has_not_begun_cannot_be_paused(events: Events) -> None:
    for command in (pause(), resume()):
        given(PARTICIPANT_RECORDING, *events).when(command).then_refused(NotStartedError)


def test_what_is_being_finished_cannot_be_paused() -> None:
    for command in (pause(), resume()):
        given(PARTICIPANT_RECORDING, *STOPPING).when(command).then_refused(NotRecordingError)


def test_the_next_recording_is_not_paused() -> None:
    following = (*PAUSED, stop_requested(), stopped(), wanted("b", 7), started("b", 8))
    given(PARTICIPANT_RECORDING, *following).when(pause(9)).then(paused("b", 9))


# --- one track


def test_a_track_has_as_many_files_as_its_worker_puts_in_place() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING).when(finish_track_file()).then(track_file_finished())
    one = (*STOPPING, track_file_finished())
    given(PARTICIPANT_RECORDING, *one).when(finish_track_file(path="2.webm")).then(track_file_finished(path="2.webm"))


def test_a_file_is_told_of_once() -> None:
    given(PARTICIPANT_RECORDING, *RUNNING, track_file_finished()).when(finish_track_file()).then_nothing()


def test_a_track_is_over_when_its_worker_says_so() -> None:
    given(PARTICIPANT_RECORDING, *STOPPING).when(finish_track()).then(track_stopped())
    given(PARTICIPANT_RECORDING, *RUNNING).when(finish_track()).then(track_stopped())
    given(PARTICIPANT_RECORDING, *RUNNING, track_stopped()).when(finish_track()).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING, track_stopped()).when(finish_track_file()).then_nothing()


# --- deleting


def test_one_that_is_over_can_be_deleted_with_its_files() -> None:
    given(PARTICIPANT_RECORDING, *FINISHED).when(delete()).then(deleted(*PATHS))


def test_so_can_one_of_several_files() -> None:
    files = (track_file_finished(), track_file_finished(path="2.webm"))
    for end in (track_stopped(), failed(reason="disk full").model_copy(update={"kind": "audio"})):
        given(PARTICIPANT_RECORDING, *RUNNING, *files, end).when(delete()).then(deleted("1.webm", "2.webm"))


def test_one_that_never_began_has_nothing_to_erase() -> None:
    given(PARTICIPANT_RECORDING, *AWAITED, failed()).when(delete()).then(deleted())
    given(PARTICIPANT_RECORDING, *WAITING, failed()).when(delete()).then(deleted())


def test_of_one_that_failed_goes_what_its_worker_had_written() -> None:
    stem = f"team/s/ann/participant_recording_ann_{int(at(2).timestamp() * 1000)}"
    given(PARTICIPANT_RECORDING, *RUNNING, failed()).when(delete()).then(
        deleted(f"{stem}.webm", f"{stem}.segment-1.webm")
    )


def test_whatever_else_its_worker_may_have_left_is_known_by_its_name() -> None:
    stamp = int(at(2).timestamp() * 1000)
    for end in (stopped(), failed()):
        whole = PARTICIPANT_RECORDING.fold([*RUNNING, end]).ended("a")
        assert whole
        assert whole.remains == Remains("team/s/ann", "participant_recording_ann_", stamp, stamp)
    for over in (track_stopped(second=5), failed(second=5)):
        track = PARTICIPANT_RECORDING.fold([*RUNNING, over.model_copy(update={"kind": "audio"})]).ended("a")
        assert track
        assert track.remains == Remains("team/s/ann/audio", "track_recording_ann_audio_", stamp, stamp + 3000)
    never = PARTICIPANT_RECORDING.fold([*WAITING, failed()]).ended("a")
    assert never
    assert never.remains is None


@pytest.mark.parametrize("events", UNFINISHED)
def test_one_that_is_not_over_cannot_be_deleted(events: Events) -> None:
    given(PARTICIPANT_RECORDING, *events).when(delete()).then_refused(RecordingRunningError)


def test_an_older_one_can_while_another_runs() -> None:
    given(PARTICIPANT_RECORDING, *FINISHED, wanted("b", 7)).when(delete()).then(deleted(*PATHS))


@pytest.mark.parametrize("events", [(), RUNNING, (refused("x"),)])
def test_what_was_never_recorded_cannot_be_deleted(events: Events) -> None:
    given(PARTICIPANT_RECORDING, *events).when(delete("x")).then_refused(RecordingNotFoundError)


def test_deleted_twice_is_deleted_once() -> None:
    for events in ((deleted(*PATHS),), (deleted(*PATHS), erased())):
        given(PARTICIPANT_RECORDING, *FINISHED, *events).when(delete(second=11)).then_nothing()


def test_that_the_files_are_gone_is_said_once_and_only_of_what_was_deleted() -> None:
    gone = (*FINISHED, deleted(*PATHS))
    given(PARTICIPANT_RECORDING, *gone).when(confirm_erasure()).then(erased())
    given(PARTICIPANT_RECORDING, *gone, erased()).when(confirm_erasure()).then_nothing()
    given(PARTICIPANT_RECORDING, *FINISHED).when(confirm_erasure()).then_nothing()
    given(PARTICIPANT_RECORDING, *RUNNING).when(confirm_erasure()).then_nothing()


def test_what_was_deleted_is_not_recorded_anew() -> None:
    given(PARTICIPANT_RECORDING, *FINISHED, deleted(*PATHS), erased()).when(start()).then_nothing()
