"""The room recordings of a session: at most one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.contracts.recording import (
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
    StartRecording,
    StopRecording,
)
from shared.eventsourcing.decider import Decider, RefusedError

# ---------------------------------------------------------------------------------------------------------- errors


class AlreadyRecordingError(RefusedError):
    """A recording runs, or is about to."""

    code = "already_recording"

    def __init__(self, session_id: str, recording_id: str) -> None:
        super().__init__(f"session {session_id} is being recorded already: stop {recording_id} first")
        self.session_id = session_id
        self.recording_id = recording_id


class InvalidRecordingIdError(RefusedError):
    """No recording with that id runs."""

    code = "invalid_recording_id"

    def __init__(self, recording_id: str) -> None:
        super().__init__(f"no recording {recording_id} is running in this session")
        self.recording_id = recording_id


# --------------------------------------------------- events: the stored format, defined in shared/contracts/recording

RecordingHappened = RecordingRequested | RecordingStarted | RecordingStopped | RecordingFailed

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Running:
    recording_id: str
    #: False until a worker is ready.
    started: bool = False


@dataclass(frozen=True, slots=True)
class Recordings:
    """The one that runs, and the ids that were ever used."""

    running: Running | None = None
    known: frozenset[str] = frozenset()


def evolve(recordings: Recordings, event: RecordingHappened) -> Recordings:
    match event:
        case RecordingRequested():
            return Recordings(Running(event.recording_id), recordings.known | {event.recording_id})
        case RecordingStarted():
            return replace(recordings, running=Running(event.recording_id, started=True))
        case RecordingStopped() | RecordingFailed():
            return replace(recordings, running=None)
        case _:
            assert_never(event)


# -------------------------------------- commands; StartRecording and StopRecording are in shared/contracts/recording


@dataclass(frozen=True, slots=True)
class ConfirmRecording:
    """A worker is ready."""

    room_id: str
    session_id: str
    recording_id: str
    worker_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FailRecording:
    """It did not come about."""

    room_id: str
    session_id: str
    recording_id: str
    reason: str
    at: datetime


RecordingCommand = StartRecording | StopRecording | ConfirmRecording | FailRecording

# ---------------------------------------------------------------------------------------------------------- decide


def decide(recordings: Recordings, command: RecordingCommand) -> list[RecordingHappened]:
    match command:
        case StartRecording():
            return _start(recordings, command)
        case ConfirmRecording():
            return _confirm(recordings, command)
        case StopRecording():
            return _stop(recordings, command)
        case FailRecording():
            return _fail(recordings, command)
        case _:
            assert_never(command)


def _start(recordings: Recordings, command: StartRecording) -> list[RecordingHappened]:
    if command.recording_id in recordings.known:
        return []
    if recordings.running:
        raise AlreadyRecordingError(command.session_id, recordings.running.recording_id)
    return [RecordingRequested(**_about(command), requested_by=command.requested_by)]


def _confirm(recordings: Recordings, command: ConfirmRecording) -> list[RecordingHappened]:
    if recordings.running != Running(command.recording_id):
        return []
    return [RecordingStarted(**_about(command), worker_id=command.worker_id)]


def _stop(recordings: Recordings, command: StopRecording) -> list[RecordingHappened]:
    if recordings.running != Running(command.recording_id, started=True):
        raise InvalidRecordingIdError(command.recording_id)
    return [RecordingStopped(**_about(command), reason=command.reason, requested_by=command.requested_by)]


def _fail(recordings: Recordings, command: FailRecording) -> list[RecordingHappened]:
    if recordings.running != Running(command.recording_id):
        return []
    return [RecordingFailed(**_about(command), reason=command.reason)]


def _about(command: RecordingCommand) -> dict[str, object]:
    return {
        "at": command.at,
        "room_id": command.room_id,
        "session_id": command.session_id,
        "recording_id": command.recording_id,
    }


RECORDING = Decider(Recordings(), evolve, decide)
