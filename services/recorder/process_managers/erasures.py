"""Which files have to be erased: those of deleted recordings, until the log says that they are gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingEvent,
)
from shared.eventsourcing.process import Process


def follow(deleted: ParticipantRecordingDeleted | None, event: Event) -> ParticipantRecordingDeleted | None:
    """Return what has to be erased of a recording after an event about it."""
    match event:
        case ParticipantRecordingDeleted():
            return event
        case ParticipantRecordingErased():
            return None
        case _:
            return deleted


def due(deleted: ParticipantRecordingDeleted, _: datetime) -> Iterator[ParticipantRecordingDeleted]:
    """Yield what is to be erased now."""
    yield deleted


def _recording_id(event: Event) -> str | None:
    return event.participant_recording_id if isinstance(event, ParticipantRecordingEvent) else None


def _stream(deleted: ParticipantRecordingDeleted) -> str:
    return deleted.stream


ERASURES: Process[ParticipantRecordingDeleted, ParticipantRecordingDeleted] = Process(
    _recording_id, follow, due, _stream
)
