"""What a worker tells the log of one participant recording."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    FailParticipantRecording,
    ParticipantRecordingReport,
)
from services.recorder.failures import details_of, reason_of
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.moments import moment
from services.recorder.wall_clock import now_ns
from shared.eventsourcing.codec import Context
from shared.eventsourcing.insisting import until_answered


async def confirm(streams: ParticipantRecordingStreams, command: ConfirmParticipantRecording, context: Context) -> bool:
    """Tell the log that something is recorded, however long that takes; return whether it is wanted."""
    return await until_answered(lambda: streams.confirm(command, context), _named(command))


async def report(streams: ParticipantRecordingStreams, command: ParticipantRecordingReport, context: Context) -> bool:
    """Tell the log, however long that takes; return whether what was done is wanted."""
    return await until_answered(lambda: streams.report(command, context), _named(command))


def failed(error: Exception, root: Path, about: Mapping[str, Any], worker_id: str) -> FailParticipantRecording:
    """Return what the log is told of a recording that an error ended."""
    return FailParticipantRecording(
        **about,
        at=moment(now_ns()),
        reason=reason_of(error),
        details=details_of(error, root),
        worker_id=worker_id,
    )


def _named(command: ParticipantRecordingReport) -> str:
    return f"{type(command).__name__} of {command.participant_id}"
