"""What moderators ask of the recorder, as messages: each is decided once, and answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.recorder.domain.recording import ConfirmRecording
from services.recorder.handlers import RecorderStreams, recorder_answerer
from shared.contracts.message import Command
from shared.contracts.recording import (
    PauseRecording,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    ResumeRecording,
    StartRecording,
    StopRecording,
    recording_stream,
)
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.eventsourcing.codec import Context
from shared.eventsourcing.in_memory import InMemoryEventStore
from shared.messaging.message import Message, command_message, read_reply
from shared.runtime.clock import utc_now


@dataclass(slots=True)
class Recorder:
    """Recording `rec` of session `s`."""

    store: InMemoryEventStore = field(default_factory=InMemoryEventStore)

    async def hears(self, message: Message) -> str:
        """Return what the message is answered: `accepted`, or the code of the refusal."""
        answer = recorder_answerer(RecorderStreams(self.store), _open_source)
        reply = read_reply(await answer(message), Accepted)
        return reply.code if isinstance(reply, Refused) else "accepted"

    async def starts(self) -> None:
        await self.hears(asked(StartRecording))
        confirmed = ConfirmRecording("r", "s", "rec", "worker", utc_now())
        await RecorderStreams(self.store).give(confirmed, Context.begin("worker:worker"))

    async def happened(self) -> list[str]:
        return [stored.type for stored in await self.store.read(recording_stream("s"))]


def asked(kind: type[Command], **more: Any) -> Message:
    about = {"at": utc_now(), "room_id": "r", "session_id": "s", "recording_id": "rec", "requested_by": "mona"}
    return command_message(kind(**about, **more), Context.begin("participant:mona"), within=600)


async def _open_source(_: OpenRtpSource) -> RtpSourceOpened:
    raise AssertionError("nobody asked for one")


RUNNING = [RecordingRequested.type, RecordingStarted.type]


async def test_a_recording_is_paused_resumed_and_stopped() -> None:
    recorder = Recorder()
    await recorder.starts()
    for kind in (PauseRecording, ResumeRecording, StopRecording):
        assert await recorder.hears(asked(kind)) == "accepted"
    assert await recorder.happened() == [
        *RUNNING,
        RecordingPaused.type,
        RecordingResumed.type,
        RecordingStopped.type,
    ]


async def test_a_pause_that_comes_again_after_the_resume_pauses_nothing() -> None:
    """The same message: its answer was lost, or the broker has delivered it twice."""
    recorder, pause = Recorder(), asked(PauseRecording)
    await recorder.starts()
    await recorder.hears(pause)
    await recorder.hears(asked(ResumeRecording))
    assert await recorder.hears(pause) == "accepted"
    assert await recorder.happened() == [*RUNNING, RecordingPaused.type, RecordingResumed.type]


async def test_a_resume_that_comes_again_after_the_next_pause_resumes_nothing() -> None:
    recorder = Recorder()
    await recorder.starts()
    await recorder.hears(asked(PauseRecording))
    resume = asked(ResumeRecording)
    await recorder.hears(resume)
    await recorder.hears(asked(PauseRecording))
    assert await recorder.hears(resume) == "accepted"
    assert (await recorder.happened())[-1] == RecordingPaused.type


@pytest.mark.parametrize("kind", [PauseRecording, ResumeRecording])
async def test_what_does_not_run_is_neither_paused_nor_resumed(kind: type[Command]) -> None:
    recorder = Recorder()
    assert await recorder.hears(asked(kind)) == "recorder_not_started"
    assert await recorder.happened() == []


async def test_what_has_not_started_is_stopped_only_by_who_says_so() -> None:
    recorder = Recorder()
    await recorder.hears(asked(StartRecording))
    assert await recorder.hears(asked(StopRecording)) == "invalid_recording_id"
    assert await recorder.hears(asked(StopRecording, unstarted=True)) == "accepted"
    assert await recorder.happened() == [RecordingRequested.type, RecordingStopped.type]
