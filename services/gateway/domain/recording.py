"""The room recordings of a session: at most one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.contracts.recording import (
    ConfirmRecording,
    RecordingFailed,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    StopReason,
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


class RecorderNotStartedError(RefusedError):
    """No recording runs: there is nothing to pause or to stop."""

    code = "recorder_not_started"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"no recording is running in session {session_id}: start one first")
        self.session_id = session_id


# --------------------------------------------------- events: the stored format, defined in shared/contracts/recording

RecordingHappened = (
    RecordingRequested | RecordingStarted | RecordingPaused | RecordingResumed | RecordingStopped | RecordingFailed
)

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Running:
    recording_id: str
    #: False until a worker is ready.
    started: bool = False
    #: Since when nothing is recorded; None: it is not paused.
    paused_at: datetime | None = None


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
        case RecordingPaused():
            # A later one is written only where it was said before: the earliest counts.
            return replace(recordings, running=Running(event.recording_id, started=True, paused_at=event.at))
        case RecordingResumed():
            return replace(recordings, running=Running(event.recording_id, started=True))
        case RecordingStopped() | RecordingFailed():
            return replace(recordings, running=None)
        case _:
            assert_never(event)


# ------------------------------------------------- commands; ConfirmRecording is in shared/contracts/recording


@dataclass(frozen=True, slots=True)
class StartRecording:
    room_id: str
    session_id: str
    recording_id: str
    requested_by: str
    at: datetime
    #: Go on with one that is paused, and let one be that runs already. Else there must be none.
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Pause whichever runs: files go on in black and silence."""

    room_id: str
    session_id: str
    requested_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StopRecording:
    room_id: str
    session_id: str
    at: datetime
    #: None: whichever runs, also when it was only asked for and has not started yet.
    recording_id: str | None = None
    reason: StopReason = "requested"
    #: None when nobody asked but the session ended.
    requested_by: str | None = None
    #: Throw it away.
    discards: bool = False


@dataclass(frozen=True, slots=True)
class FailRecording:
    """It did not come about."""

    room_id: str
    session_id: str
    recording_id: str
    reason: str
    at: datetime


RecordingCommand = StartRecording | PauseRecording | StopRecording | ConfirmRecording | FailRecording

# ---------------------------------------------------------------------------------------------------------- decide


def decide(recordings: Recordings, command: RecordingCommand) -> list[RecordingHappened]:
    match command:
        case StartRecording():
            return _start(recordings, command)
        case ConfirmRecording():
            return _confirm(recordings, command)
        case PauseRecording():
            return _pause(recordings, command)
        case StopRecording():
            return _stop(recordings, command)
        case FailRecording():
            return _fail(recordings, command)
        case _:
            assert_never(command)


def _start(recordings: Recordings, command: StartRecording) -> list[RecordingHappened]:
    running = recordings.running
    if command.recording_id in recordings.known:
        return []
    if running is None:
        return [RecordingRequested(**_about(command, command.recording_id), requested_by=command.requested_by)]
    if not command.resumes:
        raise AlreadyRecordingError(command.session_id, running.recording_id)
    return _resume(running, command)


def _resume(running: Running, command: StartRecording) -> list[RecordingHappened]:
    # One that was said before the pause, or with it, but comes after it must not undo it.
    if running.paused_at is None or command.at <= running.paused_at:
        return []
    return [RecordingResumed(**_about(command, running.recording_id), requested_by=command.requested_by)]


def _confirm(recordings: Recordings, command: ConfirmRecording) -> list[RecordingHappened]:
    if recordings.running != Running(command.recording_id):
        return []
    return [RecordingStarted(**_about(command, command.recording_id), worker_id=command.worker_id)]


def _pause(recordings: Recordings, command: PauseRecording) -> list[RecordingHappened]:
    running = recordings.running
    if running is None or not running.started:
        raise RecorderNotStartedError(command.session_id)
    # One that was said earlier but comes later is news: nothing is recorded from that moment on.
    if running.paused_at and running.paused_at <= command.at:
        return []
    return [RecordingPaused(**_about(command, running.recording_id), requested_by=command.requested_by)]


def _stop(recordings: Recordings, command: StopRecording) -> list[RecordingHappened]:
    running = recordings.running
    if command.recording_id is None:
        if running is None:
            raise RecorderNotStartedError(command.session_id)
    elif running is None or not running.started or running.recording_id != command.recording_id:
        raise InvalidRecordingIdError(command.recording_id)
    about = _about(command, running.recording_id)
    stopped = {"reason": command.reason, "requested_by": command.requested_by, "discarded": command.discards}
    return [RecordingStopped(**about, **stopped)]


def _fail(recordings: Recordings, command: FailRecording) -> list[RecordingHappened]:
    if recordings.running != Running(command.recording_id):
        return []
    return [RecordingFailed(**_about(command, command.recording_id), reason=command.reason)]


def _about(command: RecordingCommand, recording_id: str) -> dict[str, object]:
    return {
        "at": command.at,
        "room_id": command.room_id,
        "session_id": command.session_id,
        "recording_id": recording_id,
    }


RECORDING = Decider(Recordings(), evolve, decide)
