"""Which files have to be erased: those of what was deleted, until the log says that they are gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.contracts.merge import MergeDeleted, MergeErased, MergeEvent
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingEvent,
)
from shared.eventsourcing.process import Process

Deleted = ParticipantRecordingDeleted | MergeDeleted


def follow(deleted: Deleted | None, event: Event) -> Deleted | None:
    """Return what has to be erased of a recording or merge after an event about it."""
    match event:
        case ParticipantRecordingDeleted() | MergeDeleted():
            return event
        case ParticipantRecordingErased() | MergeErased():
            return None
        case _:
            return deleted


def due(deleted: Deleted, _: datetime) -> Iterator[Deleted]:
    """Yield what is to be erased now."""
    yield deleted


def _id(event: Event) -> str | None:
    match event:
        case ParticipantRecordingEvent():
            return event.participant_recording_id
        case MergeEvent():
            return event.merge_id
        case _:
            return None


def _stream(deleted: Deleted) -> str:
    return deleted.stream


ERASURES: Process[Deleted, Deleted] = Process(_id, follow, due, _stream)
