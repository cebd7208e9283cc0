"""The participant recordings of one participant in one session: at most one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordedFile,
)
from shared.eventsourcing.decider import Decider, RefusedError

# ---------------------------------------------------------------------------------------------------------- errors


class ParticipantAlreadyRecordingError(RefusedError):
    """The participant is being recorded, or their last file is still being finished."""

    code = "already_recording"

    def __init__(self, participant_id: str, participant_recording_id: str) -> None:
        super().__init__(f"participant {participant_id} is being recorded already as {participant_recording_id}")
        self.participant_id = participant_id
        self.participant_recording_id = participant_recording_id


# --------------------------------------- events: the stored format, defined in shared/contracts/participant_recording

ParticipantRecordingHappened = (
    ParticipantRecordingRequested
    | ParticipantRecordingStarted
    | ParticipantRecordingStopRequested
    | ParticipantRecordingStopped
    | ParticipantRecordingFailed
)

# ----------------------------------------------------------------------------------------------------------- state

Phase = Literal["requested", "started", "stopping"]


@dataclass(frozen=True, slots=True)
class Current:
    participant_recording_id: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class ParticipantRecordings:
    """The one that runs or is being finished, and the ids that were ever used."""

    current: Current | None = None
    known: frozenset[str] = frozenset()

    def is_in(self, participant_recording_id: str, *phases: Phase) -> bool:
        current = self.current
        return current is not None and (
            current.participant_recording_id == participant_recording_id and current.phase in phases
        )


def evolve(state: ParticipantRecordings, event: ParticipantRecordingHappened) -> ParticipantRecordings:
    match event:
        case ParticipantRecordingRequested():
            known = state.known | {event.participant_recording_id}
            return ParticipantRecordings(Current(event.participant_recording_id, "requested"), known)
        case ParticipantRecordingStarted():
            return replace(state, current=Current(event.participant_recording_id, "started"))
        case ParticipantRecordingStopRequested():
            return replace(state, current=Current(event.participant_recording_id, "stopping"))
        case ParticipantRecordingStopped() | ParticipantRecordingFailed():
            return replace(state, current=None)
        case _:
            assert_never(event)


# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutParticipantRecording:
    room_id: str
    session_id: str
    participant_id: str
    participant_recording_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParticipantRecording(_AboutParticipantRecording):
    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmParticipantRecording(_AboutParticipantRecording):
    """A worker writes. `at` is the file's time zero."""

    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopParticipantRecording(_AboutParticipantRecording):
    """The file shall end at `at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishParticipantRecording(_AboutParticipantRecording):
    """The file is in place; `at` is its last moment."""

    file: RecordedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FailParticipantRecording(_AboutParticipantRecording):
    reason: str


ParticipantRecordingCommand = (
    RequestParticipantRecording
    | ConfirmParticipantRecording
    | StopParticipantRecording
    | FinishParticipantRecording
    | FailParticipantRecording
)

# ---------------------------------------------------------------------------------------------------------- decide


def decide(state: ParticipantRecordings, command: ParticipantRecordingCommand) -> list[ParticipantRecordingHappened]:
    match command:
        case RequestParticipantRecording():
            return _request(state, command)
        case ConfirmParticipantRecording():
            return _confirm(state, command)
        case StopParticipantRecording():
            return _stop(state, command)
        case FinishParticipantRecording():
            return _finish(state, command)
        case FailParticipantRecording():
            return _fail(state, command, command.reason)
        case _:
            assert_never(command)


def _request(state: ParticipantRecordings, command: RequestParticipantRecording) -> list[ParticipantRecordingHappened]:
    if command.participant_recording_id in state.known:
        return []
    if state.current:
        raise ParticipantAlreadyRecordingError(command.participant_id, state.current.participant_recording_id)
    return [ParticipantRecordingRequested(**_about(command), recording_id=command.recording_id)]


def _confirm(state: ParticipantRecordings, command: ConfirmParticipantRecording) -> list[ParticipantRecordingHappened]:
    if not state.is_in(command.participant_recording_id, "requested"):
        return []
    return [ParticipantRecordingStarted(**_about(command), worker_id=command.worker_id)]


def _stop(state: ParticipantRecordings, command: StopParticipantRecording) -> list[ParticipantRecordingHappened]:
    if state.is_in(command.participant_recording_id, "requested"):
        return _fail(state, command, "stopped before a worker began")
    if not state.is_in(command.participant_recording_id, "started"):
        return []
    return [ParticipantRecordingStopRequested(**_about(command))]


def _finish(state: ParticipantRecordings, command: FinishParticipantRecording) -> list[ParticipantRecordingHappened]:
    if not state.is_in(command.participant_recording_id, "started", "stopping"):
        return []
    return [ParticipantRecordingStopped(**_about(command), file=command.file)]


def _fail(
    state: ParticipantRecordings, command: _AboutParticipantRecording, reason: str
) -> list[ParticipantRecordingHappened]:
    if not state.is_in(command.participant_recording_id, "requested", "started", "stopping"):
        return []
    return [ParticipantRecordingFailed(**_about(command), reason=reason)]


def _about(command: _AboutParticipantRecording) -> dict[str, object]:
    return {
        "at": command.at,
        "room_id": command.room_id,
        "session_id": command.session_id,
        "participant_id": command.participant_id,
        "participant_recording_id": command.participant_recording_id,
    }


PARTICIPANT_RECORDING = Decider(ParticipantRecordings(), evolve, decide)
