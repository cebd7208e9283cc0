"""Which merges wait for a worker, as one that follows the log sees it."""

from __future__ import annotations

from functools import reduce

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.recorder.domain.merge import MERGE, MergeCommand
from services.recorder.process_managers.merges import OpenMerge, follow, follow_unfinished, next_to_claim
from shared.contracts.merge import MergeEvent
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.merges import any_commands, cancelled, claim, claimed, completed, failed, progressed, requested
from tests.support.moments import at
from tests.support.recorded import recorded
from tests.support.specification import given, history


def after(*events: MergeEvent) -> OpenMerge | None:
    start_of_it: OpenMerge | None = None
    return reduce(follow, events, start_of_it)


def opened(*events: MergeEvent) -> OpenMerge:
    merge = after(*events)
    assert merge
    return merge


def test_a_merge_waits_until_somebody_claims_it() -> None:
    assert opened(requested()).waits(at(0))
    assert not opened(requested(), claimed(second=1)).waits(at(15.9))


def test_a_merge_whose_worker_is_not_heard_of_any_more_waits_again() -> None:
    assert opened(requested(), claimed(second=1)).waits(at(16))
    assert not opened(requested(), claimed(second=1), progressed(second=14)).waits(at(28.9))
    assert opened(requested(), claimed(second=1), progressed(second=14)).waits(at(29))


def test_a_merge_that_is_over_waits_for_nobody() -> None:
    for end in (completed(), failed(), cancelled()):
        assert after(requested(), claimed(), end) is None


def test_a_merge_of_which_only_the_end_was_heard_is_none() -> None:
    assert after(claimed()) is None
    assert after(progressed()) is None


def test_the_merge_that_waits_longest_is_claimed_first() -> None:
    merges = [opened(requested("late", 2)), opened(requested("early", 1)), opened(requested("mine", 0), claimed())]
    chosen = next_to_claim(merges, frozenset(), at(3))
    assert chosen
    assert chosen.merge_id == "early"
    assert next_to_claim([opened(requested(), claimed())], frozenset(), at(3)) is None


def test_a_merge_is_not_claimed_until_its_recordings_are_finished_or_ten_minutes_have_passed() -> None:
    merge = opened(requested())
    assert next_to_claim([merge], frozenset({"another-1"}), at(3)) == requested()
    assert next_to_claim([merge], frozenset({"another-1", "bob-1"}), at(599.9)) is None
    assert next_to_claim([merge], frozenset({"another-1", "bob-1"}), at(600)) == requested()


def test_a_recording_is_unfinished_from_its_request_to_its_file_or_failure() -> None:
    begun: tuple[type[ParticipantRecordingEvent], ...] = (ParticipantRecordingAwaited, ParticipantRecordingRequested)
    ends = (
        ParticipantRecordingStopped,
        TrackRecordingStopped,
        ParticipantRecordingFailed,
        ParticipantRecordingDeleted,
    )
    for begin in begun:
        waited = follow_unfinished(frozenset({"other"}), recorded(begin))
        for goes_on in (ParticipantRecordingStarted, ParticipantRecordingStopRequested, TrackFileFinished):
            assert follow_unfinished(waited, recorded(goes_on)) == {"one", "other"}
        for end in ends:
            assert follow_unfinished(waited, recorded(end)) == {"other"}


@for_all(any_commands("m", workers=("one", "two")), st.integers(0, 60))
def test_what_waits_is_what_the_stream_lets_somebody_claim(commands: list[MergeCommand], later: int) -> None:
    """Sees as much as the decider: what it claims is not refused, and what may be claimed is not left alone."""
    happened = history(MERGE, commands)
    merge = after(*happened)
    outcome = given(MERGE, *happened).when(claim(worker="three", second=60 + later))
    assert bool(merge and merge.waits(at(60 + later))) == bool(outcome.events)
