"""Participant recordings, and the files that came of them, as the log tells of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.audit.projections.line import Edge, Entry, edge
from shared.contracts.participant_recording import (
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
)


@dataclass(frozen=True, slots=True)
class FileOnRecord:
    """A participant recording, as the log tells of it."""

    participant_id: str
    participant_recording_id: str
    requested: Edge
    started: Edge | None
    #: It is in place, or it failed.
    ended: Edge | None
    #: None unless it is in place.
    file: RecordedFile | None
    failure: str | None

    @property
    def begin(self) -> datetime:
        """Its time zero."""
        return (self.started or self.requested).moment


def files_on_record(entries: list[Entry]) -> list[FileOnRecord]:
    """Return the participant recordings that these entries tell of, in their order."""
    about: dict[str, list[Entry]] = {}
    for entry in entries:
        if isinstance(entry.event, ParticipantRecordingEvent):
            about.setdefault(entry.event.participant_recording_id, []).append(entry)
    return [_file(each) for each in about.values()]


def _file(entries: list[Entry]) -> FileOnRecord:
    request = entries[0].event
    assert isinstance(request, ParticipantRecordingRequested)
    started = ended = file = failure = None
    for entry in entries:
        match entry.event:
            case ParticipantRecordingStarted():
                started = edge(entry)
            case ParticipantRecordingStopped() as stopped:
                ended, file = edge(entry), stopped.file
            case ParticipantRecordingFailed() as failed:
                ended, failure = edge(entry), failed.reason
            case _:
                pass
    return FileOnRecord(
        participant_id=request.participant_id,
        participant_recording_id=request.participant_recording_id,
        requested=edge(entries[0]),
        started=started,
        ended=ended,
        file=file,
        failure=failure,
    )
