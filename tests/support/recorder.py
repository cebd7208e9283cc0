"""A recorder that records nobody: it answers what servers ask of it, and remembers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.contracts.message import Command
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAccepted,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
)
from shared.eventsourcing.codec import Context
from shared.messaging.answering import CommandAnswerer, answering
from shared.messaging.bus import Bus
from shared.messaging.message import ACCEPTED, Message, contract_message, refusal
from shared.messaging.topology import RECORDER_COMMANDS

_OfRunning = StopParticipantRecording | PauseParticipantRecording | ResumeParticipantRecording
#: Session, participant and kind.
_Key = tuple[str, str, str]


class FakeRecorder:
    """Says what the recorder says: one at a time of each kind, with consent, and nothing is ended that does not run."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.actors: list[str] = []
        #: The recordings that run.
        self.running: dict[_Key, str] = {}

    @asynccontextmanager
    async def answering(self, bus: Bus) -> AsyncIterator[None]:
        handlers: dict[type[Command], CommandAnswerer] = {
            StartParticipantRecording: self._start,
            StopParticipantRecording: self._change,
            PauseParticipantRecording: self._change,
            ResumeParticipantRecording: self._change,
            DeleteParticipantRecording: self._delete,
        }
        async with bus.answer(RECORDER_COMMANDS, answering(handlers)):
            yield

    def _note(self, command: Command, context: Context) -> None:
        self.asked.append(command)
        self.actors.append(context.actor)

    async def _start(self, command: StartParticipantRecording, context: Context) -> Message:
        self._note(command, context)
        if _key(command) in self.running:
            return refusal("already_recording", "is being recorded already")
        if not command.consents:
            return refusal("consent_required", "has not agreed")
        self.running[_key(command)] = command.participant_recording_id
        return _accepted(command.participant_recording_id)

    async def _change(self, command: _OfRunning, context: Context) -> Message:
        self._note(command, context)
        running = self.running.get(_key(command))
        if running is None:
            return refusal("not_recording", "is not being recorded")
        if isinstance(command, StopParticipantRecording):
            del self.running[_key(command)]
        return _accepted(running)

    async def _delete(self, command: DeleteParticipantRecording, context: Context) -> Message:
        self._note(command, context)
        if command.participant_recording_id in self.running.values():
            return refusal("recording_running", "is not over")
        return ACCEPTED


def _key(command: StartParticipantRecording | _OfRunning) -> _Key:
    return command.session_id, command.participant_id, command.kind


def _accepted(participant_recording_id: str) -> Message:
    accepted = ParticipantRecordingAccepted(participant_recording_id=participant_recording_id)
    return contract_message(accepted, ParticipantRecordingAccepted.type)
