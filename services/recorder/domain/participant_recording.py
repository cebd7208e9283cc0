"""The participant recordings of one kind of one participant in one session: at most one at a time.

Errors, and what became of recordings, have files of their own beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from services.recorder.domain.participant_recording_errors import (
    ConsentRequiredError,
    NotRecordingError,
    NotStartedError,
    ParticipantAlreadyRecordingError,
    RecordingNotFoundError,
    RecordingRunningError,
)
from services.recorder.domain.participant_recording_life import (
    Current,
    ParticipantRecordingHappened,
    ParticipantRecordings,
    Phase,
    evolve,
    paths_so_far,
)
from shared.contracts.gaps import FileGaps, Track
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    DeletionReason,
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    PauseParticipantRecording,
    RecordedFile,
    RecordingKind,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    TimelineFile,
    TrackFileFinished,
    TrackFlowStarted,
    TrackFlowStopped,
    TrackRecordingStopped,
)
from shared.eventsourcing.decider import Decider

#: How long somebody who is not there is waited for, where nothing else is set.
GRACE = timedelta(seconds=60)

# ------------------------- commands; those that a server gives are in shared/contracts/participant_recording


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutParticipantRecording:
    room_id: str
    session_id: str
    participant_id: str
    participant_recording_id: str
    at: datetime
    kind: RecordingKind = "audio_video"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParticipantRecording(_AboutParticipantRecording):
    """Have a worker record: for a room recording, or because somebody who was waited for is there."""

    #: None: a server asked for this one alone, and what it asked for is known.
    recording_id: str | None = None
    storage_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmParticipantRecording(_AboutParticipantRecording):
    """A worker writes. `at` is the file's time zero; of one track, the moment from which files may begin."""

    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFlow(_AboutParticipantRecording):
    """Packets of a track flow since `at`, or do not."""

    track: Track
    flows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishParticipantRecording(_AboutParticipantRecording):
    """The file is in place; `at` is its last moment."""

    file: RecordedFile
    gaps: FileGaps | None = None
    timeline: TimelineFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishTrackFile(_AboutParticipantRecording):
    """A file of one track is in place; `at` is its last moment."""

    begin: datetime
    file: RecordedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishTrackRecording(_AboutParticipantRecording):
    """All files of one track are in place; `at` is the moment at which its recording ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailParticipantRecording(_AboutParticipantRecording):
    reason: str
    details: str | None = None
    #: Nobody came until now, no participant or no worker: what has got on since goes on. None: wherever it is.
    if_still: Phase | None = None
    #: Who gives it up. One that another worker writes goes on.
    worker_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmErasure(_AboutParticipantRecording):
    """The files of a deleted recording are gone from the store."""


#: What process manager, workers and eraser say of one recording.
ParticipantRecordingReport = (
    ConfirmParticipantRecording
    | ReportFlow
    | FinishParticipantRecording
    | FinishTrackFile
    | FinishTrackRecording
    | FailParticipantRecording
    | ConfirmErasure
)
ParticipantRecordingCommand = (
    StartParticipantRecording
    | StopParticipantRecording
    | PauseParticipantRecording
    | ResumeParticipantRecording
    | DeleteParticipantRecording
    | RequestParticipantRecording
    | ParticipantRecordingReport
)

# ---------------------------------------------------------------------------------------------------------- decide

_Decided = list[ParticipantRecordingHappened]


def decide(  # noqa: PLR0911  one case for each command
    state: ParticipantRecordings, command: ParticipantRecordingCommand, grace: timedelta = GRACE
) -> _Decided:
    match command:
        case StartParticipantRecording():
            return _start(state, command, grace)
        case StopParticipantRecording():
            return _stop(state, command)
        case PauseParticipantRecording():
            return _pause(state, command)
        case ResumeParticipantRecording():
            return _resume(state, command)
        case DeleteParticipantRecording():
            return _delete(state, command)
        case RequestParticipantRecording():
            return _request(state, command)
        case _:
            return list(_take(state, command))


# --- what a server asks


def _start(state: ParticipantRecordings, command: StartParticipantRecording, grace: timedelta) -> _Decided:
    if command.participant_recording_id in state.refused:
        raise ConsentRequiredError(command.participant_id)
    if command.participant_recording_id in state.known:
        return []
    if state.current:
        raise ParticipantAlreadyRecordingError(command.participant_id, state.current.participant_recording_id)
    asked = {"webhook_url": command.webhook_url, "storage_prefix": command.storage_prefix}
    if not command.consents:
        return [ParticipantRecordingRefused(**_about(command), code=ConsentRequiredError.code)]
    if command.present:
        return [ParticipantRecordingRequested(**_about(command), **asked)]
    return [ParticipantRecordingAwaited(**_about(command), **asked, until=command.at + grace)]


def _stop(state: ParticipantRecordings, command: StopParticipantRecording) -> _Decided:
    current, asked = state.current, command.participant_recording_id
    if (asked and state.ended(asked)) or (command.discarded_by and _is_discarded(state)):
        return []
    if current is None or asked not in {None, current.participant_recording_id}:
        raise NotRecordingError(command.participant_id)
    about = _about(command, current)
    if command.discarded_by:
        return [_thrown_away(current, command, "discarded", command.discarded_by)]
    match current.phase:
        case "awaited":
            return [ParticipantRecordingFailed(**about, reason="stopped before the participant came")]
        case "requested":
            return [ParticipantRecordingFailed(**about, reason="stopped before a worker began")]
        case "started":
            return [ParticipantRecordingStopRequested(**about)]
        case "stopping":
            return [ParticipantRecordingStopRequested(**about)] if _is_earlier(command, current.stops_at) else []


def _is_discarded(state: ParticipantRecordings) -> bool:
    """Tell whether the last one is thrown away, and none was begun since: whoever asks again has what they want."""
    return state.current is None and bool(state.over) and state.over[-1].deleted


def _pause(state: ParticipantRecordings, command: PauseParticipantRecording) -> _Decided:
    current = _running(state, command)
    if current.paused_at and not _is_earlier(command, current.paused_at):
        return []
    return [ParticipantRecordingPaused(**_about(command, current))]


def _is_earlier(command: StopParticipantRecording | PauseParticipantRecording, known: datetime | None) -> bool:
    """Tell whether it was said before what is known: it comes late, and is news all the same."""
    return known is not None and command.at < known


def _resume(state: ParticipantRecordings, command: ResumeParticipantRecording) -> _Decided:
    current = _running(state, command)
    # One that was said before the pause, or with it, but comes after it must not undo it.
    if current.paused_at is None or command.at <= current.paused_at:
        return []
    return [ParticipantRecordingResumed(**_about(command, current))]


def _running(state: ParticipantRecordings, command: PauseParticipantRecording | ResumeParticipantRecording) -> Current:
    if state.current is None or state.current.phase == "stopping":
        raise NotRecordingError(command.participant_id)
    if state.current.phase != "started":
        raise NotStartedError(state.current.participant_recording_id)
    return state.current


def _delete(state: ParticipantRecordings, command: DeleteParticipantRecording) -> _Decided:
    asked, current = command.participant_recording_id, state.current
    if current and current.participant_recording_id == asked:
        if command.reason == "requested":
            raise RecordingRunningError(asked)
        return [_thrown_away(current, command, command.reason, command.deleted_by)]
    ended = state.ended(asked)
    if ended is None:
        raise RecordingNotFoundError(asked)
    if ended.deleted:
        return []
    why = {"deleted_by": command.deleted_by, "reason": command.reason}
    return [ParticipantRecordingDeleted(**_about(command), **why, paths=ended.paths)]


def _thrown_away(
    current: Current,
    command: StopParticipantRecording | DeleteParticipantRecording,
    reason: DeletionReason,
    deleted_by: str,
) -> ParticipantRecordingDeleted:
    """End one that is not over, and keep nothing of it."""
    about, paths = _about(command, current), paths_so_far(current, command)
    return ParticipantRecordingDeleted(
        **about, deleted_by=deleted_by, reason=reason, paths=paths, written_by=current.worker_id
    )


# --- what process manager, worker and eraser say


def _request(state: ParticipantRecordings, command: RequestParticipantRecording) -> _Decided:
    current = state.current
    if current and state.is_in(command.participant_recording_id, "awaited"):
        asked = {"webhook_url": current.webhook_url, "storage_prefix": current.storage_prefix}
        return [ParticipantRecordingRequested(**_about(command), **asked, awaited=True)]
    if command.participant_recording_id in state.known:
        return []
    if current:
        raise ParticipantAlreadyRecordingError(command.participant_id, current.participant_recording_id)
    of_room = {"recording_id": command.recording_id, "storage_prefix": command.storage_prefix}
    return [ParticipantRecordingRequested(**_about(command), **of_room)]


def _take(state: ParticipantRecordings, report: ParticipantRecordingReport) -> Iterator[ParticipantRecordingHappened]:
    """Take what was done, unless it is no news or comes too late."""
    about, one = _about(report), report.participant_recording_id
    is_written = state.is_in(one, "started", "stopping")
    match report:
        case ConfirmParticipantRecording() if state.is_in(one, "requested"):
            yield ParticipantRecordingStarted(**about, worker_id=report.worker_id)
        case ReportFlow() if is_written and report.flows != state.has_flow(report.track):
            happened = TrackFlowStarted if report.flows else TrackFlowStopped
            yield happened(**about, track=report.track)
        case FinishParticipantRecording() if is_written:
            told = {"file": report.file, "gaps": report.gaps, "timeline": report.timeline}
            yield ParticipantRecordingStopped(**about, **told)
        case FinishTrackFile() if is_written and not state.has_file(report.file.path):
            yield TrackFileFinished(**about, begin=report.begin, file=report.file)
        case FinishTrackRecording() if is_written:
            yield TrackRecordingStopped(**about)
        case FailParticipantRecording() if _fails(state, report):
            yield ParticipantRecordingFailed(**about, reason=report.reason, details=report.details)
        case ConfirmErasure() if (ended := state.ended(one)) and ended.deleted and not ended.erased:
            yield ParticipantRecordingErased(**about)


def _fails(state: ParticipantRecordings, report: FailParticipantRecording) -> bool:
    phases: tuple[Phase, ...] = ("awaited", "requested", "started", "stopping")
    if not state.is_in(report.participant_recording_id, *((report.if_still,) if report.if_still else phases)):
        return False
    writer = state.current.worker_id if state.current else None
    return writer is None or report.worker_id in {None, writer}


def _about(command: ParticipantRecordingCommand, current: Current | None = None) -> dict[str, object]:
    about: dict[str, object] = {
        "at": command.at,
        "room_id": command.room_id,
        "session_id": command.session_id,
        "participant_id": command.participant_id,
        "kind": command.kind,
    }
    which = current or command
    return about | {"participant_recording_id": which.participant_recording_id}  # type: ignore[union-attr]


def participant_recording(
    grace: timedelta,
) -> Decider[ParticipantRecordings, ParticipantRecordingCommand, ParticipantRecordingHappened]:
    """Return the rules where somebody who is not there is waited for so long."""
    return Decider(ParticipantRecordings(), evolve, partial(decide, grace=grace))


PARTICIPANT_RECORDING = participant_recording(GRACE)
