"""What the recorder decides: commands to the streams it owns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from services.recorder.domain.participant_recording import (
    GRACE,
    ConfirmParticipantRecording,
    ParticipantRecordingCommand,
    ParticipantRecordingReport,
    participant_recording,
)
from services.recorder.domain.participant_recording_errors import ConsentRequiredError
from services.recorder.domain.participant_recording_life import ParticipantRecordingHappened, ParticipantRecordings
from services.recorder.keys import Remains
from shared.contracts.file_timeline import LogPlace, LogPlaces
from shared.contracts.message import Command
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAccepted,
    ParticipantRecordingDeleted,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    participant_recording_stream,
)
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.command_handler import CommandHandler, Decided
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import CommandAnswerer
from shared.messaging.message import ACCEPTED, Message, contract_message

_OfRunning = StopParticipantRecording | PauseParticipantRecording | ResumeParticipantRecording
_Decided = Decided[ParticipantRecordings, ParticipantRecordingHappened]


class ParticipantRecordingStreams:
    """The participant recordings. Who is not there is waited for as long as `grace`."""

    def __init__(self, store: EventStore, grace: timedelta = GRACE) -> None:
        self._store = store
        self._participant_recordings: CommandHandler[
            ParticipantRecordings, ParticipantRecordingCommand, ParticipantRecordingHappened
        ] = CommandHandler(store, participant_recording(grace))

    async def give(
        self, command: ParticipantRecordingCommand, context: Context
    ) -> tuple[ParticipantRecordingHappened, ...]:
        """Decide the command and return what it led to. Raises RefusedError."""
        return (await self._participant_recordings.handle(_stream(command), command, context)).events

    async def report(self, command: ParticipantRecordingReport, context: Context) -> bool:
        """Write down what was done; False when it was deleted meanwhile, and nothing of it may stay."""
        decided = await self._participant_recordings.handle(_stream(command), command, context)
        return decided.state.is_wanted(command.participant_recording_id)

    async def confirm(self, command: ConfirmParticipantRecording, context: Context) -> bool:
        """Let a worker begin; False when that is not wanted any more. Confirmed again by the same one, it is the same.

        A worker whose confirmation was written, but not answered, has begun: nobody else would.
        """
        decided = await self._participant_recordings.handle(_stream(command), command, context)
        return decided.state.is_begun(command.participant_recording_id, command.worker_id, command.at)

    async def remains(self, deleted: ParticipantRecordingDeleted) -> Remains | None:
        """Return what may be left of a recording beside what the log names; None: no file was ever begun."""
        loaded = await self._participant_recordings.load(deleted.stream)
        ended = loaded.state.ended(deleted.participant_recording_id)
        return ended.remains if ended else None

    async def places(self, asked: ParticipantRecordingRequested) -> LogPlaces:
        """Return where the log tells of a recording that has begun. Raises LogUnavailableError."""
        stored = await self._store.read(asked.stream)
        started = next(
            event
            for event in reversed(stored)
            if isinstance(told := decode(event), ParticipantRecordingStarted)
            and told.participant_recording_id == asked.participant_recording_id
        )
        return LogPlaces(stream=asked.stream, started=_place(started), latest=_place(stored[-1]))

    def answerers(self) -> Mapping[type[Command], CommandAnswerer]:
        """Return what answers the commands of servers, which come over the bus, perhaps more than once."""
        return {
            StartParticipantRecording: self._start,
            StopParticipantRecording: self._change,
            PauseParticipantRecording: self._change,
            ResumeParticipantRecording: self._change,
            DeleteParticipantRecording: self._delete,
        }

    async def _start(self, command: StartParticipantRecording, context: Context) -> Message:
        happened = await self.give(command, context)
        if any(isinstance(event, ParticipantRecordingRefused) for event in happened):
            raise ConsentRequiredError(command.participant_id)
        return _accepted(command.participant_recording_id)

    async def _change(self, command: _OfRunning, context: Context) -> Message:
        # It means whichever runs: the same message must not concern one that was started since.
        decided = await self._participant_recordings.handle_once(_stream(command), command, context)
        return _accepted(_concerned(command, decided))

    async def _delete(self, command: DeleteParticipantRecording, context: Context) -> Message:
        await self.give(command, context)
        return ACCEPTED


def _stream(command: ParticipantRecordingCommand) -> str:
    return participant_recording_stream(command.session_id, command.participant_id, command.kind)


def _place(stored: StoredEvent) -> LogPlace:
    return LogPlace(position=stored.position, global_position=stored.global_position)


def _accepted(participant_recording_id: str) -> Message:
    accepted = ParticipantRecordingAccepted(participant_recording_id=participant_recording_id)
    return contract_message(accepted, ParticipantRecordingAccepted.type)


def _concerned(command: _OfRunning, decided: _Decided) -> str:
    """Return the recording that was meant: by its id, or as the one that runs, or else as the last that ran."""
    asked = command.participant_recording_id if isinstance(command, StopParticipantRecording) else None
    if asked or decided.events:
        return asked or decided.events[0].participant_recording_id
    current = decided.state.current
    return current.participant_recording_id if current else decided.state.over[-1].participant_recording_id
