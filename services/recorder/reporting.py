"""What a worker tells the log of one participant recording."""

from __future__ import annotations

from services.recorder.domain.participant_recording import ConfirmParticipantRecording, ParticipantRecordingReport
from services.recorder.handlers import RecorderStreams
from shared.eventsourcing.codec import Context
from shared.eventsourcing.insisting import until_written


async def confirm(streams: RecorderStreams, command: ConfirmParticipantRecording, context: Context) -> bool:
    """Tell the log that something is recorded, however long that takes; return whether it is wanted."""
    return await until_written(lambda: streams.confirm(command, context), _named(command))


async def report(streams: RecorderStreams, command: ParticipantRecordingReport, context: Context) -> None:
    """Tell the log, however long that takes."""
    await until_written(lambda: streams.give(command, context), _named(command))


def _named(command: ParticipantRecordingReport) -> str:
    return f"{type(command).__name__} of {command.participant_id}"
