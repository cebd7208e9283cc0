"""What a worker tells the log of one participant recording."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from services.recorder.domain.participant_recording import ConfirmParticipantRecording, ParticipantRecordingReport
from services.recorder.handlers import RecorderStreams
from shared.eventsourcing.codec import Context
from shared.eventsourcing.errors import LogUnavailableError

_log = structlog.get_logger()

Outcome = TypeVar("Outcome")

#: Between attempts to tell the log how it went.
_RETRY_SECONDS = 1.0


async def confirm(streams: RecorderStreams, command: ConfirmParticipantRecording, context: Context) -> bool:
    """Tell the log that something is recorded, however long that takes; return whether it is wanted."""
    return await _insist(lambda: streams.confirm(command, context), command)


async def report(streams: RecorderStreams, command: ParticipantRecordingReport, context: Context) -> None:
    """Tell the log, however long that takes."""
    await _insist(lambda: streams.give(command, context), command)


async def _insist(give: Callable[[], Awaitable[Outcome]], command: ParticipantRecordingReport) -> Outcome:
    while True:
        try:
            return await give()
        except LogUnavailableError as error:
            about = {"command": type(command).__name__, "participant": command.participant_id}
            _log.warning("the log does not answer", **about, error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
