"""When the recorder, which is another process, has put every file in place."""

from __future__ import annotations

import asyncio

from services.bench.ground import Log
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStopped,
)

_PATIENCE_SECONDS = 120
_LOOK_SECONDS = 0.1


async def files_finished(log: Log) -> None:
    """Wait until no participant's file is being written or finished. Raises TimeoutError."""
    begun = [ParticipantRecordingRequested.type]
    ended = [ParticipantRecordingStopped.type, ParticipantRecordingFailed.type]
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await log.pool.fetchval(  # noqa: ASYNC110  the recorder is another process
            "SELECT count(*) FILTER (WHERE type = ANY($1)) > count(*) FILTER (WHERE type = ANY($2)) FROM events",
            begun,
            ended,
        ):
            await asyncio.sleep(_LOOK_SECONDS)
