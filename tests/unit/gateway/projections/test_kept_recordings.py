"""Recordings and merges that were thrown away, as REST answers show them."""

from __future__ import annotations

from services.gateway.entrypoints.v2.merge_shape import merge_object, transcoding_object
from services.gateway.projections.kept_recordings import KeptMerge, KeptRecording, merge_after, recording_after
from shared.contracts.merge import MergeEvent
from shared.contracts.participant_recording import ParticipantRecordingEvent
from tests.support import merges
from tests.support.moments import at
from tests.support.participant_recordings import requested, started, stop_requested, stopped
from tests.support.server_recordings import deleted, erased


def recording(*events: ParticipantRecordingEvent) -> KeptRecording:
    known: KeptRecording | None = None
    for position, event in enumerate(events, 1):
        known = recording_after(known, event, position)
    assert known
    return known


def merge(*events: MergeEvent) -> KeptMerge:
    known: KeptMerge | None = None
    for position, event in enumerate(events, 1):
        known = merge_after(known, event, position)
    assert known
    return known


MERGED = (merges.requested(), merges.claimed(), merges.completed())


def test_one_that_ran_when_it_was_thrown_away_is_over_and_not_shown() -> None:
    gone = recording(requested(), started(), deleted(reason="discarded"), erased())
    assert (gone.state, gone.ended_at, gone.is_shown) == ("deleted", at(9), False)


def test_one_that_was_over_keeps_its_end() -> None:
    gone = recording(requested(), started(), stop_requested(), stopped(second=4), deleted(reason="withdrawn"))
    assert (gone.state, gone.ended_at, gone.is_shown) == ("deleted", at(4), False)


def test_a_merge_that_was_thrown_away_is_shown_without_a_file() -> None:
    gone = merge(*MERGED, merges.deleted(), merges.erased())
    assert (gone.state, gone.file, gone.ended_at) == ("deleted", None, at(4))
    shown = merge_object(gone, "http://gateway").model_dump(exclude_unset=True)
    assert (shown["status"], "file" in shown) == ("deleted", False)
    job = transcoding_object(gone, "http://gateway")
    assert (job.status, job.file) == ("deleted", None)


def test_what_was_not_thrown_away_has_its_file() -> None:
    assert merge_object(merge(*MERGED), "http://gateway").file
