"""What the recorder decides: commands to the streams it owns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.recorder.domain.participant_recording import (
    PARTICIPANT_RECORDING,
    ParticipantRecordingCommand,
    ParticipantRecordingHappened,
    ParticipantRecordings,
)
from services.recorder.domain.recording import (
    RECORDING,
    RecordingCommand,
    RecordingHappened,
    Recordings,
)
from shared.contracts.participant_recording import participant_recording_stream
from shared.contracts.recording import (
    PauseRecording,
    ResumeRecording,
    StartRecording,
    StopRecording,
    recording_stream,
)
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import ACCEPTED, Message, contract_message

#: What others ask for.
AskedRecording = StartRecording | PauseRecording | ResumeRecording | StopRecording


class RecorderStreams:
    """The recorder's two aggregates."""

    def __init__(self, store: EventStore) -> None:
        self._recordings: CommandHandler[Recordings, RecordingCommand, RecordingHappened] = CommandHandler(
            store, RECORDING
        )
        self._participant_recordings: CommandHandler[
            ParticipantRecordings, ParticipantRecordingCommand, ParticipantRecordingHappened
        ] = CommandHandler(store, PARTICIPANT_RECORDING)

    async def give_once(self, command: AskedRecording, context: Context) -> None:
        """Decide a command that may come again as the same message. Raises RefusedError."""
        await self._recordings.handle_once(recording_stream(command.session_id), command, context)

    async def give(
        self, command: RecordingCommand | ParticipantRecordingCommand, context: Context
    ) -> tuple[RecordingHappened, ...] | tuple[ParticipantRecordingHappened, ...]:
        """Decide the command and return what it led to. Raises RefusedError."""
        if isinstance(command, RecordingCommand):
            stream = recording_stream(command.session_id)
            return (await self._recordings.handle(stream, command, context)).events
        stream = participant_recording_stream(command.session_id, command.participant_id)
        return (await self._participant_recordings.handle(stream, command, context)).events


def recorder_answerer(
    streams: RecorderStreams, open_source: Callable[[OpenRtpSource], Awaitable[RtpSourceOpened]]
) -> Answerer:
    """Return what answers the recorder's commands. `open_source` raises RefusedError."""

    async def decide(command: AskedRecording, context: Context) -> Message:
        await streams.give_once(command, context)
        return ACCEPTED

    async def open_rtp_source(command: OpenRtpSource, _: Context) -> Message:
        opened = await open_source(command)
        return contract_message(opened, RtpSourceOpened.type)

    return answering(
        {
            StartRecording: decide,
            PauseRecording: decide,
            ResumeRecording: decide,
            StopRecording: decide,
            OpenRtpSource: open_rtp_source,
        }
    )
