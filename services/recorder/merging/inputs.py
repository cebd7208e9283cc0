"""What goes into a merge: the files of its recordings, once all of them are finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.merging.errors import InputUnusableError
from shared.contracts.merge import MergeInput, MergeRequested
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRefused,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
    TrackFileFinished,
    TrackRecordingStopped,
    participant_recording_stream,
)
from shared.eventsourcing.codec import decode
from shared.eventsourcing.store import EventStore


@dataclass(frozen=True, slots=True)
class Piece:
    """One file that goes into a merge."""

    participant_id: str
    channel: int
    #: Its time zero.
    begin: datetime
    file: RecordedFile

    @property
    def has_sound(self) -> bool:
        return bool(self.file.audio_codec)

    @property
    def has_picture(self) -> bool:
        return bool(self.file.video_codec)


class Inputs:
    """Reads what became of recordings."""

    def __init__(self, log: EventStore, objects: LocalObjectStore) -> None:
        self._log = log
        self._objects = objects

    async def of(self, requested: MergeRequested) -> list[Piece] | MergeInput:
        """Return the files, or the first recording that is not finished yet. Raises InputUnusableError."""
        pieces: list[Piece] = []
        for one in requested.inputs:
            found = pieces_of(one, await self._happened(requested.session_id, one))
            if found is None:
                return one
            self._check(one, found, requested)
            pieces += found
        return pieces

    async def _happened(self, session_id: str, one: MergeInput) -> list[Event]:
        stream = participant_recording_stream(session_id, one.participant_id, one.kind)
        return [decode(stored) for stored in await self._log.read(stream)]

    def _check(self, one: MergeInput, pieces: Sequence[Piece], requested: MergeRequested) -> None:
        if requested.layout == "stereo" and not any(piece.has_sound for piece in pieces):
            raise _unusable(one, "has no sound: leave it out")
        for piece in pieces:
            if not self._objects.path(piece.file.path).is_file():
                raise _unusable(one, f"is not in the store: {piece.file.path} is missing")


def pieces_of(one: MergeInput, events: Iterable[Event]) -> list[Piece] | None:
    """Return the files of a recording; None while it is not finished. Raises InputUnusableError."""
    about = [event for event in events if _is_about(event, one)]
    if not about:
        raise _unusable(one, "is not known")
    _refuse_spoiled(one, about)
    if not any(isinstance(event, ParticipantRecordingStopped | TrackRecordingStopped) for event in about):
        return None
    pieces = [Piece(one.participant_id, one.channel, begin, file) for begin, file in _files(about)]
    if not pieces:
        raise _unusable(one, "has no file: nothing was sent, or nothing was permitted")
    return pieces


def _is_about(event: Event, one: MergeInput) -> bool:
    return (
        isinstance(event, ParticipantRecordingEvent) and event.participant_recording_id == one.participant_recording_id
    )


def _refuse_spoiled(one: MergeInput, about: Iterable[Event]) -> None:
    for event in about:
        match event:
            case ParticipantRecordingDeleted():
                raise _unusable(one, "was deleted")
            case ParticipantRecordingFailed():
                raise _unusable(one, f"failed: {event.reason}")
            case ParticipantRecordingRefused():
                raise _unusable(one, f"was refused: {event.code}")
            case _:
                pass


def _files(about: Iterable[Event]) -> list[tuple[datetime, RecordedFile]]:
    begin: datetime | None = None
    files: list[tuple[datetime, RecordedFile]] = []
    for event in about:
        match event:
            case ParticipantRecordingStarted():
                begin = event.at
            case ParticipantRecordingStopped() if begin:
                files.append((begin, event.file))
            case TrackFileFinished():
                files.append((event.begin, event.file))
            case _:
                pass
    return files


def _unusable(one: MergeInput, reason: str) -> InputUnusableError:
    return InputUnusableError(one.participant_recording_id, one.participant_id, reason)
