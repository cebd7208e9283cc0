"""Which copies are planned of what the log tells of a recording."""

from __future__ import annotations

from services.align.plan import Plan, plan
from services.audit.projections.timeline import timelines
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.moments import at
from tests.support.participant_recordings import FILE, GAPS
from tests.unit.audit.story import about, asked, begun, entries, failed, joined, requested, started, stopped


def planned(*events: Event) -> Plan:
    """Plan what is made of a recording that began at second 10."""
    (told,) = timelines(entries(joined(1), joined(1, "bob"), asked(8), begun(10), *events))
    return plan(told)


def file_of(who: str, second: float) -> list[Event]:
    return [requested(second, who), started(second, who), stopped(60, who)]


def test_each_file_gets_a_copy_that_lacks_what_came_before_it() -> None:
    made = planned(*file_of("ann", 10.25), *file_of("bob", 33.5))
    assert made.start == at(10)
    assert [(copy.participant_id, copy.lead_ms, copy.duration_ms) for copy in made.copies] == [
        ("ann", 250, 9250),
        ("bob", 23_500, 32_500),
    ]
    assert {copy.gaps for copy in made.copies} == {GAPS}
    assert made.left_out == ()


def test_a_file_that_began_before_the_recording_was_said_to_begin_loses_nothing() -> None:
    made = planned(*file_of("ann", 9.75), *file_of("bob", 10))
    assert made.start == at(9.75)
    assert [copy.lead_ms for copy in made.copies] == [0, 250]


def test_names_tell_who_and_since_when_and_none_is_twice_there() -> None:
    made = planned(*file_of("ann", 10.25), requested(70, "ann", "2"), started(70, "ann", "2"), stopped(80, "ann", "2"))
    assert made.names == ["aligned_ann_1905249610250.webm", "aligned_ann_1905249670000.webm", "rec.otio"]


def test_what_is_deleted_failed_or_not_finished_is_left_out_and_said_so() -> None:
    gone = {**about(70), "participant_recording_id": "ann-file"}
    deleted = ParticipantRecordingDeleted(**gone, deleted_by="server:key", paths=(FILE.path,))
    made = planned(
        *file_of("ann", 11), deleted, ParticipantRecordingErased(**gone),
        requested(12, "bob"), started(12, "bob"), failed(13, "bob"),
        requested(14, "bob", "2"), started(14, "bob", "2"),
    )  # fmt: skip
    assert made.copies == ()
    ann, *bob = map(str, made.left_out)
    assert "erase" in ann
    assert bob == ["bob: failed: disk full", "bob: has no finished file yet"]


def test_a_recording_of_one_track_gets_a_copy_of_each_of_its_files() -> None:
    track = {"participant_recording_id": "t", "kind": "audio"}
    sound = FILE.model_copy(update={"video_codec": "", "video_frames": 0})
    events = [
        requested(10, "ann", "t").model_copy(update={"recording_id": None, "kind": "audio"}),
        TrackFileFinished(**about(20), **track, begin=at(11), file=sound),
        TrackFileFinished(**about(40), **track, begin=at(30), file=sound),
        TrackRecordingStopped(**about(40), **track),
    ]
    (told,) = timelines(entries(joined(1), *events))
    made = plan(told)
    assert [copy.lead_ms for copy in made.copies] == [1000, 20_000]
