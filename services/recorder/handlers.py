"""What the recorder decides: commands to the streams it owns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.recorder.domain.participant_recording import (
    PARTICIPANT_RECORDING,
    ParticipantRecordingCommand,
    ParticipantRecordingHappened,
    ParticipantRecordings,
)
from shared.contracts.participant_recording import participant_recording_stream
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import Message, contract_message


class RecorderStreams:
    """The participant recordings."""

    def __init__(self, store: EventStore) -> None:
        self._participant_recordings: CommandHandler[
            ParticipantRecordings, ParticipantRecordingCommand, ParticipantRecordingHappened
        ] = CommandHandler(store, PARTICIPANT_RECORDING)

    async def give(
        self, command: ParticipantRecordingCommand, context: Context
    ) -> tuple[ParticipantRecordingHappened, ...]:
        """Decide the command and return what it led to. Raises RefusedError."""
        stream = participant_recording_stream(command.session_id, command.participant_id)
        return (await self._participant_recordings.handle(stream, command, context)).events


def recorder_answerer(open_source: Callable[[OpenRtpSource], Awaitable[RtpSourceOpened]]) -> Answerer:
    """Return what answers the recorder's commands. `open_source` raises RefusedError."""

    async def open_rtp_source(command: OpenRtpSource, _: Context) -> Message:
        opened = await open_source(command)
        return contract_message(opened, RtpSourceOpened.type)

    return answering({OpenRtpSource: open_rtp_source})
