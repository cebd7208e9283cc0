"""What a gateway does of itself: recordings end that nobody confirms, or whose session is over. However many run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from shared.contracts.recording import RecordingEvent, RecordingFailed, RecordingRequested, RecordingStopped
from shared.eventsourcing import process_manager as runner
from tests.support.coordination import Coordination
from tests.support.moments import at


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what time makes due."""
    monkeypatch.setattr(runner, "_TICK_SECONDS", 0.02)


@pytest.fixture(params=[1, 2], ids=["one-gateway", "two-gateways"])
async def meeting(request: pytest.FixtureRequest) -> AsyncIterator[Coordination]:
    meeting = Coordination()
    async with AsyncExitStack() as stack:
        for _ in range(request.param):
            await stack.enter_async_context(meeting.gateway())
        yield meeting


async def told(meeting: Coordination) -> list[str]:
    """Return what happened to recordings, when everybody has had time to add to it."""
    await meeting.considered()
    await meeting.considered()
    return [event.type.split(".")[1] for event in await meeting.told(RecordingEvent)]


async def test_a_recording_that_nobody_confirms_fails_after_five_seconds_and_not_before(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(4.9)
    assert await told(meeting) == ["requested"]
    meeting.passes(0.1)
    (failed,) = await meeting.until(RecordingFailed)
    assert (failed.at, failed.reason) == (at(5), "no worker answered")
    assert await told(meeting) == ["requested", "failed"]


async def test_that_a_recording_fails_comes_of_the_request_that_nobody_confirmed(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(5)
    await meeting.until(RecordingFailed)
    (requested,), (failed,) = [await meeting.stored(kind) for kind in (RecordingRequested, RecordingFailed)]
    assert (failed.causation_id, failed.correlation_id) == (requested.id, requested.correlation_id)
    assert failed.actor == "service:gateway"


async def test_a_recording_that_a_worker_confirmed_does_not_fail(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(4.9)
    await meeting.confirms()
    meeting.passes(60)
    assert await told(meeting) == ["requested", "started"]


async def test_after_a_failure_the_next_recording_is_given_its_own_five_seconds(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(5)
    await meeting.until(RecordingFailed)
    await meeting.starts("again", confirmed=False)
    meeting.passes(4.9)
    assert await told(meeting) == ["requested", "failed", "requested"]
    meeting.passes(0.1)
    failed = await meeting.until(RecordingFailed, 2)
    assert [event.recording_id for event in failed] == ["rec", "again"]


async def test_a_recording_whose_session_ended_is_stopped_at_that_moment(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts()
    meeting.passes(60)
    await meeting.ends()
    meeting.passes(1)
    (stopped,) = await meeting.until(RecordingStopped)
    assert (stopped.at, stopped.reason, stopped.requested_by) == (at(60), "session_ended", None)
    assert await told(meeting) == ["requested", "started", "stopped"]


async def test_a_recording_that_waits_for_a_worker_fails_when_its_session_ends(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(1)
    await meeting.ends()
    (failed,) = await meeting.until(RecordingFailed)
    assert (failed.at, failed.reason) == (at(1), "the session ended")
    assert await told(meeting) == ["requested", "failed"]


async def test_a_recording_that_comes_into_the_log_after_the_end_of_its_session_fails(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.ends()
    await meeting.considered()
    await meeting.starts(confirmed=False)
    await meeting.until(RecordingFailed)
    assert await told(meeting) == ["requested", "failed"]


@pytest.mark.parametrize("writes", [False, True], ids=["nothing-written", "written-but-not-told"])
async def test_what_the_log_did_not_take_is_given_again(meeting: Coordination, writes: bool) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.log.refusals, meeting.log.writes_before_it_refuses = 1, writes
    meeting.passes(5)
    await meeting.until(RecordingFailed)
    assert await told(meeting) == ["requested", "failed"]
    assert meeting.log.refusals == 0


async def test_a_gateway_that_starts_anew_ends_what_was_asked_for_while_none_was_there() -> None:
    meeting = Coordination()
    await meeting.session()
    await meeting.starts(confirmed=False)
    meeting.passes(30)
    await meeting.pass_on()
    assert len(await meeting.told(RecordingRequested)) == 1
    async with meeting.gateway():
        (failed,) = await meeting.until(RecordingFailed)
    assert failed.at == at(30)


async def test_what_happens_is_acted_upon_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_TICK_SECONDS", 600)
    meeting = Coordination()
    async with meeting.gateway():
        await meeting.session()
        await meeting.starts()
        await meeting.ends()
        await meeting.until(RecordingStopped)
