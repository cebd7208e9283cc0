"""What a recording brings into a merge: its files, once it is finished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.recorder.merging.errors import InputUnusableError
from shared.contracts.merge import MergeInput
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
)


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


def pieces_of(one: MergeInput, events: Iterable[Event]) -> list[Piece] | None:
    """Return the files of a recording; None while it is not finished. Raises InputUnusableError."""
    about = [event for event in events if _is_about(event, one)]
    if not about:
        raise unusable(one, "is not known")
    _refuse_spoiled(one, about)
    if not any(isinstance(event, ParticipantRecordingStopped | TrackRecordingStopped) for event in about):
        return None
    pieces = [Piece(one.participant_id, one.channel, begin, file) for begin, file in _files(about)]
    if not pieces:
        raise unusable(one, "has no file: nothing was sent, or nothing was permitted")
    return pieces


def _is_about(event: Event, one: MergeInput) -> bool:
    return (
        isinstance(event, ParticipantRecordingEvent) and event.participant_recording_id == one.participant_recording_id
    )


def _refuse_spoiled(one: MergeInput, about: Iterable[Event]) -> None:
    for event in about:
        match event:
            case ParticipantRecordingDeleted():
                raise unusable(one, "was deleted")
            case ParticipantRecordingFailed():
                raise unusable(one, f"failed: {event.reason}")
            case ParticipantRecordingRefused():
                raise unusable(one, f"was refused: {event.code}")
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


def unusable(one: MergeInput, reason: str) -> InputUnusableError:
    return InputUnusableError(one.participant_recording_id, one.participant_id, reason)
