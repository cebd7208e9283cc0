"""Participant recordings, and the files that came of them, as the log tells of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.audit.projections.line import Edge, Entry, edge
from shared.contracts.gaps import FileGaps
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
    TrackFileFinished,
    TrackRecordingStopped,
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
    #: It is to be erased; and it is.
    deleted: Edge | None = None
    erased: Edge | None = None

    #: Why it holds silence or black, and when; None: nothing was told of that.
    gaps: FileGaps | None = None
    #: Of one of a track's files: its time zero.
    began: datetime | None = None

    @property
    def gone(self) -> str:
        """What was decided about erasing it, and whether that was done; empty: nothing was."""
        return "; ".join(edge.what for edge in (self.deleted, self.erased) if edge)

    @property
    def begin(self) -> datetime:
        """Its time zero."""
        return self.began or (self.started or self.requested).moment


def files_on_record(entries: list[Entry]) -> list[FileOnRecord]:
    """Return the participant recordings that these entries tell of, in their order; of one track, each file."""
    about: dict[str, list[Entry]] = {}
    for entry in entries:
        if isinstance(entry.event, ParticipantRecordingEvent):
            about.setdefault(entry.event.participant_recording_id, []).append(entry)
    return [file for each in about.values() for file in _files(each)]


def _files(entries: list[Entry]) -> list[FileOnRecord]:
    whole = _file(entries)
    parts = [
        replace(whole, ended=edge(entry), file=entry.event.file, failure=None, began=entry.event.begin)
        for entry in entries
        if isinstance(entry.event, TrackFileFinished)
    ]
    return parts if parts and whole.failure is None else [*parts, whole]


def _file(entries: list[Entry]) -> FileOnRecord:
    request = entries[0].event
    assert isinstance(request, ParticipantRecordingEvent)
    started = ended = file = failure = deleted = erased = gaps = None
    for entry in entries:
        match entry.event:
            case ParticipantRecordingStarted():
                started = edge(entry)
            case ParticipantRecordingStopped() as stopped:
                ended, file, gaps = edge(entry), stopped.file, stopped.gaps
            case TrackRecordingStopped():
                ended = edge(entry)
            case ParticipantRecordingFailed() as failed:
                ended, failure = edge(entry), failed.reason + (f": {failed.details}" if failed.details else "")
            case ParticipantRecordingDeleted():
                deleted = edge(entry)
            case ParticipantRecordingErased():
                erased = edge(entry)
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
        deleted=deleted,
        erased=erased,
        gaps=gaps,
    )
