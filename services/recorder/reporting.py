"""What a worker tells the log of one participant recording."""

from __future__ import annotations

import asyncio

import structlog

from services.recorder.domain.participant_recording import ParticipantRecordingCommand
from services.recorder.handlers import RecorderStreams
from shared.eventsourcing.codec import Context
from shared.eventsourcing.errors import LogUnavailableError

_log = structlog.get_logger()

#: Between attempts to tell the log how it went.
_RETRY_SECONDS = 1.0


async def report(streams: RecorderStreams, command: ParticipantRecordingCommand, context: Context) -> bool:
    """Tell the log, however long that takes; return whether it was news."""
    while True:
        try:
            return bool(await streams.give(command, context))
        except LogUnavailableError as error:
            about = {"command": type(command).__name__, "participant": command.participant_id}
            _log.warning("the log does not answer", **about, error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
