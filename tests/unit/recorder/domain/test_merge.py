from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.recorder.domain.merge import MERGE, MOST_CLAIMS, MergeCommand
from services.recorder.domain.merge_errors import AlreadyMergingError, MergeNotRunningError, MergeNotYoursError
from services.recorder.domain.merge_life import CLAIM_HOLDS, MergeHappened
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergeErased,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)
from tests.support.merges import (
    any_commands,
    cancel,
    cancelled,
    claim,
    claimed,
    complete,
    completed,
    confirm_erasure,
    delete,
    deleted,
    erased,
    fail,
    failed,
    progressed,
    report,
    requested,
    start,
)
from tests.support.specification import assert_repeating_writes_nothing, given, history

HOLDS = CLAIM_HOLDS.total_seconds()
ASKED = (requested(),)
CLAIMED = (requested(), claimed())
OVER: tuple[tuple[MergeHappened, ...], ...] = ((*CLAIMED, completed()), (*CLAIMED, failed()), (*CLAIMED, cancelled()))


def test_a_merge_that_is_asked_for_waits_for_a_worker() -> None:
    given(MERGE).when(start()).then(requested())


def test_where_it_is_stored_and_who_is_told_is_written_down() -> None:
    asked = {"storage_prefix": "team", "webhook_url": "https://example.org/hook"}
    given(MERGE).when(start().model_copy(update=asked)).then(requested().model_copy(update=asked))


def test_the_same_recordings_are_merged_once_at_a_time() -> None:
    for events in (ASKED, CLAIMED):
        given(MERGE, *events).when(start("again", 9)).then_refused(AlreadyMergingError)


def test_once_a_merge_is_over_the_same_recordings_may_be_merged_again() -> None:
    for events in OVER:
        given(MERGE, *events).when(start("again", 9)).then(requested("again", 9))


def test_an_id_is_used_once() -> None:
    for events in (ASKED, CLAIMED, *OVER):
        given(MERGE, *events).when(start(second=9)).then_nothing()


def test_a_worker_claims_what_nobody_makes() -> None:
    given(MERGE, *ASKED).when(claim()).then(claimed())


def test_what_a_worker_makes_no_other_claims() -> None:
    given(MERGE, *CLAIMED).when(claim(worker="two", second=1 + HOLDS - 0.1)).then_nothing()


def test_it_is_made_by_whoever_claimed_it_last() -> None:
    assert not MERGE.fold(ASKED).is_made_by("m", "one")
    assert MERGE.fold(CLAIMED).is_made_by("m", "one")
    assert not MERGE.fold(CLAIMED).is_made_by("n", "one")
    taken_over = MERGE.fold((*CLAIMED, claimed(worker="two", second=20)))
    assert not taken_over.is_made_by("m", "one")
    assert taken_over.is_made_by("m", "two")
    for events in OVER:
        assert not MERGE.fold(events).is_made_by("m", "one")


def test_a_worker_that_was_not_heard_of_loses_its_claim() -> None:
    given(MERGE, *CLAIMED).when(claim(worker="two", second=1 + HOLDS)).then(claimed(worker="two", second=1 + HOLDS))


def test_a_worker_that_is_heard_of_keeps_its_claim() -> None:
    heard = (*CLAIMED, progressed(second=14))
    given(MERGE, *heard).when(claim(worker="two", second=1 + HOLDS)).then_nothing()
    given(MERGE, *heard).when(claim(worker="two", second=14 + HOLDS)).then(claimed(worker="two", second=14 + HOLDS))


def test_a_worker_says_how_far_it_is() -> None:
    given(MERGE, *CLAIMED).when(report(second=5, percent=40)).then(progressed(second=5, percent=40))


def test_what_is_no_newer_than_what_was_said_is_not_written() -> None:
    given(MERGE, *CLAIMED, progressed(second=5)).when(report(second=5, percent=40)).then_nothing()


def test_a_file_in_its_place_completes_it() -> None:
    given(MERGE, *CLAIMED).when(complete()).then(completed())


def test_a_merge_that_nobody_makes_is_said_to_be_made_by_nobody() -> None:
    assert str(given(MERGE, *ASKED).when(report()).refusal) == "merge m is made by nobody: leave it to them"


def test_a_worker_that_does_not_know_that_it_was_heard_says_so_again() -> None:
    given(MERGE, *CLAIMED, completed()).when(complete(second=9)).then_nothing()


def test_who_makes_it_may_say_that_it_cannot_be_made() -> None:
    given(MERGE, *CLAIMED).when(fail()).then(failed())


def test_who_lost_the_claim_has_nothing_to_say_any_more() -> None:
    taken_over = (*CLAIMED, claimed(worker="two", second=20))
    for command in (report(second=21), complete(second=21), fail(second=21)):
        given(MERGE, *taken_over).when(command).then_refused(MergeNotYoursError)


def test_who_never_claimed_it_has_nothing_to_say() -> None:
    for command in (report(), complete(), fail()):
        given(MERGE, *ASKED).when(command).then_refused(MergeNotYoursError)


def test_it_may_be_cancelled_whether_or_not_somebody_makes_it() -> None:
    for events in (ASKED, CLAIMED):
        given(MERGE, *events).when(cancel()).then(cancelled())


def test_after_its_end_nothing_more_is_said_of_it() -> None:
    for events in OVER:
        for command in (cancel(second=9), claim(second=99), report(second=9), fail(second=9)):
            given(MERGE, *events).when(command).then_refused(MergeNotRunningError)


def test_the_file_of_a_merge_goes_with_a_recording_in_it() -> None:
    given(MERGE, *CLAIMED, completed()).when(delete()).then(deleted())


def test_what_came_to_no_file_has_none_to_erase() -> None:
    for events in ((), ASKED, CLAIMED, *OVER[1:]):
        given(MERGE, *events).when(delete()).then_nothing()
        given(MERGE, *events).when(confirm_erasure()).then_nothing()


def test_its_file_is_deleted_once_and_told_once_to_be_gone() -> None:
    over = (*CLAIMED, completed())
    given(MERGE, *over, deleted()).when(delete(second=9)).then_nothing()
    given(MERGE, *over, deleted(), erased()).when(delete(second=9)).then_nothing()
    given(MERGE, *over, deleted()).when(confirm_erasure()).then(erased())
    given(MERGE, *over, deleted(), erased()).when(confirm_erasure()).then_nothing()
    given(MERGE, *over).when(confirm_erasure()).then_nothing()


def test_of_several_merges_of_a_set_the_one_that_is_meant_is_deleted() -> None:
    events = (*CLAIMED, completed(), requested("again", 9), claimed("again", second=9), completed("again", 10))
    given(MERGE, *events).when(delete("again", 11)).then(deleted("again", 11))
    given(MERGE, *events, deleted("again", 11)).when(delete(second=12)).then(deleted(second=12))


def test_an_end_of_which_no_beginning_is_known_is_not_refused() -> None:
    assert MERGE.fold([deleted(), erased()]) == MERGE.initial


def test_a_merge_that_did_not_complete_cannot_be_completed_any_more() -> None:
    for end in OVER[1:]:
        given(MERGE, *end).when(complete(second=9)).then_refused(MergeNotRunningError)


def test_a_merge_that_was_never_asked_for_does_not_run() -> None:
    for command in (cancel(), claim(), report(), complete(), fail()):
        given(MERGE).when(command).then_refused(MergeNotRunningError)


def test_a_merge_that_no_worker_survives_fails() -> None:
    begun = [claimed(worker=f"w{number}", second=number * HOLDS) for number in range(MOST_CLAIMS)]
    last = MOST_CLAIMS * HOLDS
    given(MERGE, *ASKED, *begun[:-1]).when(claim(worker="last", second=last)).then(claimed(worker="last", second=last))
    reason = f"{MOST_CLAIMS} workers began it, and none ended it"
    given(MERGE, *ASKED, *begun).when(claim(worker="last", second=last)).then(failed(second=last, reason=reason))


def test_the_next_merge_of_the_same_recordings_is_given_as_many_workers() -> None:
    begun = [claimed(second=number * HOLDS) for number in range(MOST_CLAIMS)]
    again: tuple[MergeHappened, ...] = (*ASKED, *begun, failed(second=200), requested("again", 201))
    given(MERGE, *again).when(claim("again", second=202)).then(claimed("again", second=202))


# --- what holds for any sequence

_merges = st.sampled_from(["m", "n"])
_workers = st.sampled_from(["one", "two", "three"])
_seconds = st.integers(0, 60).map(float)
_commands = any_commands("m", "n")


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[MergeCommand]) -> None:
    assert_repeating_writes_nothing(MERGE, commands)


@for_all(_commands)
def test_one_worker_makes_one_merge_at_a_time_and_after_its_end_nothing_more_is_said(
    commands: list[MergeCommand],
) -> None:
    running: str | None = None
    holder: MergeClaimed | MergeProgressed | None = None
    asked: list[str] = []
    completed_ones: set[str] = set()
    for event in history(MERGE, commands):
        if isinstance(event, MergeRequested):
            assert running is None
            running, holder = event.merge_id, None
            asked.append(running)
            continue
        if isinstance(event, MergeDeleted | MergeErased):
            assert event.merge_id in completed_ones  # its file alone is spoken of
            continue
        assert event.merge_id == running
        match event:
            case MergeClaimed():
                assert holder is None or event.at - holder.at >= CLAIM_HOLDS
                holder = event
            case MergeProgressed():
                assert holder
                assert holder.worker_id == event.worker_id
                holder = event
            case MergeCompleted() | MergeFailed() | MergeCancelled():
                completed_ones |= {running} if isinstance(event, MergeCompleted) else set()
                running = None
    assert len(asked) == len(set(asked))


_events = st.lists(
    st.one_of(
        [st.builds(kind, _merges, _seconds) for kind in (requested, completed, failed, cancelled)]
        + [st.builds(kind, _merges, _workers, _seconds) for kind in (claimed, progressed)]
    )
)


@for_all(_events)
def test_no_order_of_events_is_refused(
    events: list[MergeHappened],
) -> None:
    asked = {event.merge_id for event in events if isinstance(event, MergeRequested)}
    assert MERGE.fold(events).known == asked
