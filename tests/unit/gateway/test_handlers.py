"""What recorders ask of the gateway, as messages: that a worker is ready."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.gateway.handlers import gateway_answerer
from shared.contracts.message import Command
from shared.contracts.recording import (
    ConfirmRecording,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
    recording_stream,
)
from shared.contracts.reply import Accepted
from shared.contracts.rtp_source import OpenRtpSource
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.event import StoredEvent
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import Message, command_message, read_reply
from tests.support.coordination import Coordination
from tests.support.moments import at


@pytest.fixture
def meeting() -> Coordination:
    return Coordination()


def confirmation(worker_id: str = "worker", recording_id: str = "rec", moment: datetime | None = None) -> Message:
    command = ConfirmRecording(
        at=moment or at(2), room_id="r", session_id="s", recording_id=recording_id, worker_id=worker_id
    )
    return command_message(command, Context.begin(f"worker:{worker_id}"), within=5)


async def is_accepted(meeting: Coordination, message: Message) -> bool:
    reply = await gateway_answerer(meeting.recordings)(message)
    return read_reply(reply, Accepted) == Accepted()


async def happened(meeting: Coordination) -> list[StoredEvent]:
    return await meeting.log.read(recording_stream("s"))


async def types(meeting: Coordination) -> list[str]:
    return [stored.type for stored in await happened(meeting)]


RUNNING = [RecordingRequested.type, RecordingStarted.type]


async def test_a_worker_that_is_ready_starts_the_recording_and_is_named(meeting: Coordination) -> None:
    await meeting.starts(confirmed=False)
    message = confirmation("worker-7")
    assert await is_accepted(meeting, message)
    _, started = await happened(meeting)
    assert decode(started) == RecordingStarted(
        at=at(2), room_id="r", session_id="s", recording_id="rec", worker_id="worker-7"
    )
    assert (started.actor, started.causation_id) == ("worker:worker-7", message.id)
    assert str(started.correlation_id) == message.headers["correlation-id"]


async def test_a_confirmation_that_comes_twice_starts_the_recording_once(meeting: Coordination) -> None:
    """The same message again, the same worker again, and another one."""
    await meeting.starts(confirmed=False)
    message = confirmation()
    for each in (message, message, confirmation(), confirmation("another")):
        assert await is_accepted(meeting, each)
    assert await types(meeting) == RUNNING


async def test_a_confirmation_after_the_stop_starts_nothing(meeting: Coordination) -> None:
    await meeting.starts(confirmed=False)
    await is_accepted(meeting, confirmation())
    await meeting.stops()
    assert await is_accepted(meeting, confirmation())
    assert await types(meeting) == [*RUNNING, RecordingStopped.type]


async def test_a_confirmation_after_the_failure_starts_nothing(meeting: Coordination) -> None:
    await meeting.session()
    await meeting.starts(confirmed=False)
    async with meeting.gateway():
        meeting.passes(5)
        await meeting.until(RecordingFailed)
    assert await is_accepted(meeting, confirmation())
    assert await types(meeting) == [RecordingRequested.type, RecordingFailed.type]


async def test_a_confirmation_of_a_recording_that_nobody_asked_for_starts_nothing(meeting: Coordination) -> None:
    assert await is_accepted(meeting, confirmation())
    await meeting.starts(confirmed=False)
    assert await is_accepted(meeting, confirmation(recording_id="other"))
    assert await types(meeting) == [RecordingRequested.type]


async def test_a_confirmation_counts_however_late_it_comes_if_the_recording_still_waits(meeting: Coordination) -> None:
    await meeting.starts(confirmed=False)
    assert await is_accepted(meeting, confirmation(moment=at() - timedelta(days=1)))
    assert await types(meeting) == RUNNING


async def test_nothing_else_is_asked_of_the_gateway(meeting: Coordination) -> None:
    command: Command = OpenRtpSource(at=at(), room_id="r", session_id="s", participant_id="ann")
    with pytest.raises(MalformedMessageError, match="no command of this service"):
        await is_accepted(meeting, command_message(command, Context.begin("test"), within=5))
