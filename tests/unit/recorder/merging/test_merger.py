"""Who makes a merge, and what becomes of it when a worker ends, dies, or is too slow. However many recorders run."""

from __future__ import annotations

import pytest

from services.recorder.media.ffmpeg_errors import FfmpegFailedError
from services.recorder.merging import job as job_module
from services.recorder.merging import merger as merger_module
from services.recorder.merging.errors import InputLateError
from shared.contracts.merge import (
    MergeClaimed,
    MergeCompleted,
    MergeFailed,
    MergeInput,
    MergeProgressed,
    StartMerge,
)
from shared.contracts.participant_recording import ParticipantRecordingRequested, ParticipantRecordingStopped
from shared.eventsourcing import insisting
from tests.support.merges import FILE, cancelled, claimed, requested
from tests.support.merging import HeldMaker, Workshop
from tests.support.moments import at
from tests.support.recorded import recorded


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what time makes due, and say often that one lives."""
    monkeypatch.setattr(merger_module, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(job_module, "_RENEW_SECONDS", 0.02)
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


def another(merge_id: str, second: float) -> StartMerge:
    only = MergeInput(participant_id="cid", participant_recording_id=f"cid-{merge_id}")
    return StartMerge(at=at(second), room_id="r", session_id="s", merge_id=merge_id, layout="grid", inputs=(only,))


async def test_a_merge_is_claimed_made_and_told_of(workshop: Workshop) -> None:
    maker = HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        (claim,) = await workshop.until(MergeClaimed)
        assert claim.worker_id == "one"
        maker.may_end.set()
        (done,) = await workshop.until(MergeCompleted)
    assert done.file == FILE
    assert await workshop.story() == ["requested", "claimed", "completed"]


async def test_what_a_worker_says_comes_of_the_request(workshop: Workshop) -> None:
    maker = HeldMaker()
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        await workshop.until(MergeCompleted)
    request, *said = await workshop.log.read_all()
    assert {(stored.causation_id, stored.correlation_id) for stored in said} == {(request.id, request.correlation_id)}
    assert {stored.actor for stored in said} == {"worker:one"}


async def test_a_worker_says_that_it_lives_and_how_far_it_is(workshop: Workshop) -> None:
    maker = HeldMaker(percent=42)
    async with workshop.recorder("one", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        workshop.passes(4)
        (word,) = await workshop.until(MergeProgressed)
    assert (word.worker_id, word.percent, word.at) == ("one", 42, at(4))


async def test_what_cannot_be_made_fails_with_the_reason(workshop: Workshop) -> None:
    maker = HeldMaker(error=FfmpegFailedError(1, "No space left on device"))
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        (failed,) = await workshop.until(MergeFailed)
        await workshop.when(lambda: bool(maker.cleared))
    assert failed.reason == "the recorder's ffmpeg failed: ask for the merge again"
    assert maker.cleared == [("m", False)]


async def test_a_fault_of_the_maker_fails_the_merge_and_not_the_recorder(workshop: Workshop) -> None:
    maker = HeldMaker(error=ZeroDivisionError("of all things"))
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        (failed,) = await workshop.until(MergeFailed)
        assert failed.reason == "the recorder failed: ask for the merge again"
        maker.error = None
        await workshop.asks(another("n", 1))
        await workshop.until(MergeCompleted)


async def test_of_two_that_see_it_at_once_one_makes_it(workshop: Workshop) -> None:
    makers = [HeldMaker() for _ in range(5)]
    async with (
        workshop.recorder("0", makers[0]),
        workshop.recorder("1", makers[1]),
        workshop.recorder("2", makers[2]),
        workshop.recorder("3", makers[3]),
        workshop.recorder("4", makers[4]),
    ):
        await workshop.asks()
        await workshop.when(lambda: any(maker.begun for maker in makers))
        for maker in makers:
            maker.may_end.set()
        await workshop.until(MergeCompleted)
        await workshop.when(lambda: all(maker.cleared for maker in makers))
    assert sum((maker.begun for maker in makers), list[str]()) == ["m"]
    assert await workshop.story() == ["requested", "claimed", "completed"]


async def test_a_worker_makes_one_merge_at_a_time_the_oldest_first(workshop: Workshop) -> None:
    await workshop.asks(another("later", 2))
    await workshop.asks(another("sooner", 1))
    maker = HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.when(lambda: bool(maker.begun))
        workshop.passes(60)
        await workshop.until(MergeProgressed)
        assert maker.begun == ["sooner"]
        maker.may_end.set()
        await workshop.until(MergeCompleted, 2)
    assert maker.begun == ["sooner", "later"]


async def test_a_merge_whose_recordings_are_not_finished_does_not_keep_others_from_being_made(
    workshop: Workshop,
) -> None:
    await workshop.happens(recorded(ParticipantRecordingRequested, "cid-waits", who="cid"))
    await workshop.asks(another("waits", 1))
    await workshop.asks(another("sooner", 2))
    maker = HeldMaker()
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        await workshop.until(MergeCompleted)
        await workshop.asks(another("later", 3))
        await workshop.until(MergeCompleted, 2)
        assert maker.begun == ["sooner", "later"]
        await workshop.happens(recorded(ParticipantRecordingStopped, "cid-waits", who="cid"))
        await workshop.until(MergeCompleted, 3)
    assert maker.begun == ["sooner", "later", "waits"]


async def test_a_merge_whose_recordings_are_never_finished_is_waited_for_ten_minutes(workshop: Workshop) -> None:
    await workshop.happens(recorded(ParticipantRecordingRequested, "cid-waits", who="cid"))
    await workshop.asks(another("waits", 1))
    maker = HeldMaker(error=InputLateError("cid-waits", "cid", 600))
    maker.may_end.set()
    workshop.now = at(600.9)
    async with workshop.recorder("one", maker):
        await workshop.asks(another("ready", 2))
        await workshop.until(MergeFailed)
        assert maker.begun == ["ready"]
        workshop.passes(0.1)
        _, failed = await workshop.until(MergeFailed, 2)
    assert failed.reason.startswith("recording cid-waits of participant cid was not finished within 600 s")


async def test_two_workers_make_two_merges_at_once(workshop: Workshop) -> None:
    await workshop.asks(another("a", 1))
    await workshop.asks(another("b", 2))
    one, two = HeldMaker(), HeldMaker()
    async with workshop.recorder("one", one), workshop.recorder("two", two):
        await workshop.when(lambda: bool(one.begun and two.begun))
    assert sorted(one.begun + two.begun) == ["a", "b"]


async def test_a_merge_whose_worker_died_is_made_by_another(workshop: Workshop) -> None:
    await workshop.happens(requested())
    await workshop.happens(claimed(worker="dead", second=1))
    await workshop.pass_on()
    maker = HeldMaker()
    maker.may_end.set()
    workshop.now = at(15.9)
    async with workshop.recorder("one", maker):
        await workshop.asks(another("n", 15))
        await workshop.until(MergeCompleted)  # the worker has looked, and took what it might
        assert maker.begun == ["n"]
        workshop.passes(0.1)
        done = await workshop.until(MergeCompleted, 2)
    assert [event.merge_id for event in done] == ["n", "m"]


async def test_a_worker_that_ends_in_order_lets_its_merge_go_without_failing_it(workshop: Workshop) -> None:
    first, second = HeldMaker(), HeldMaker()
    async with workshop.recorder("one", first):
        await workshop.asks()
        await workshop.when(lambda: bool(first.begun))
    assert first.let_go == ["m"]
    second.may_end.set()
    async with workshop.recorder("two", second):
        workshop.passes(15)
        await workshop.until(MergeCompleted)
    assert await workshop.story() == ["requested", "claimed", "claimed", "completed"]


async def test_a_merge_that_is_cancelled_is_let_go_at_once_and_nothing_of_it_stays(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_RENEW_SECONDS", 600)
    maker, other = HeldMaker(), HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        async with workshop.recorder("two", other):
            await workshop.cancels()
            await workshop.when(lambda: bool(maker.cleared and other.cleared))
    assert maker.let_go == ["m"]
    assert maker.cleared == other.cleared == [("m", False)]
    assert await workshop.story() == ["requested", "claimed", "cancelled"]


async def test_what_is_left_is_cleared_only_after_the_worker_has_let_go(workshop: Workshop) -> None:
    maker = HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        await workshop.cancels()
        await workshop.when(lambda: bool(maker.cleared))
    assert maker.order == ["begun", "let go", "cleared"]


async def test_a_merge_that_was_cancelled_before_a_worker_heard_of_it_is_not_made(workshop: Workshop) -> None:
    """The other one is asked for later: whatever was to be made before would have been begun."""
    await workshop.happens(requested())
    await workshop.happens(cancelled())
    maker = HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.asks(another("n", 9))
        await workshop.when(lambda: bool(maker.begun))
    assert maker.begun == ["n"]


async def test_what_was_over_before_a_recorder_began_is_left_as_it_is(workshop: Workshop) -> None:
    await workshop.happens(requested())
    await workshop.happens(cancelled())
    await workshop.pass_on()
    maker = HeldMaker()
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        await workshop.asks(another("n", 9))
        await workshop.when(lambda: bool(maker.cleared))
    assert maker.cleared == [("n", True)]


async def test_a_worker_that_hears_that_another_has_the_merge_stops_at_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_RENEW_SECONDS", 600)
    maker = HeldMaker()
    async with workshop.recorder("slow", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        await workshop.happens(claimed(worker="other", second=20))
        await workshop.when(lambda: bool(maker.let_go))
    assert await workshop.story() == ["requested", "claimed", "claimed"]


async def test_a_worker_that_hears_nothing_stops_when_its_word_is_refused(workshop: Workshop) -> None:
    maker = HeldMaker()
    async with workshop.recorder("deaf", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        workshop.deafen()
        await workshop.happens(claimed(worker="other", second=20))
        workshop.passes(30)
        await workshop.when(lambda: bool(maker.let_go))
    assert await workshop.story() == ["requested", "claimed", "claimed"]


@pytest.mark.parametrize("writes", [False, True], ids=["nothing-written", "written-but-not-told"])
async def test_what_the_log_did_not_take_is_said_again(workshop: Workshop, writes: bool) -> None:
    maker = HeldMaker()
    async with workshop.recorder("one", maker):
        await workshop.asks()
        await workshop.when(lambda: bool(maker.begun))
        workshop.log.refusals, workshop.log.writes_before_it_refuses = (1 if writes else 5), writes
        maker.may_end.set()
        await workshop.until(MergeCompleted)
        await workshop.when(lambda: workshop.log.refusals == 0)
    assert await workshop.story() == ["requested", "claimed", "completed"]


async def test_a_claim_that_was_written_but_not_told_is_taken_up(workshop: Workshop) -> None:
    await workshop.asks()
    workshop.log.refusals, workshop.log.writes_before_it_refuses = 1, True
    maker = HeldMaker()
    maker.may_end.set()
    async with workshop.recorder("one", maker):
        workshop.passes(1)
        await workshop.until(MergeClaimed)
        workshop.passes(15)
        await workshop.until(MergeCompleted)
    assert maker.begun == ["m"]
