"""What a server asks for of one participant's recordings, and the events that this leads to."""

from __future__ import annotations

from typing import Any

from services.recorder.domain.participant_recording import (
    ConfirmErasure,
    FinishTrackFile,
    FinishTrackRecording,
    RequestParticipantRecording,
)
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    DeletionReason,
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.moments import at
from tests.support.participant_recordings import FILE

ANN: dict[str, Any] = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
TARGET = "https://example.org/hook"
ASKED: dict[str, Any] = {"webhook_url": TARGET, "storage_prefix": "team"}


# --- commands


def start(
    one: str = "a", second: float = 1, *, consents: bool = True, present: bool = True, **more: Any
) -> StartParticipantRecording:
    return StartParticipantRecording(**_about(one, second), consents=consents, present=present, **ASKED | more)


def stop_any(second: float = 3) -> StopParticipantRecording:
    return StopParticipantRecording(**ANN, at=at(second))


def discard(second: float = 3) -> StopParticipantRecording:
    return StopParticipantRecording(**ANN, at=at(second), discarded_by="key")


def pause(second: float = 3) -> PauseParticipantRecording:
    return PauseParticipantRecording(**ANN, at=at(second))


def resume(second: float = 4) -> ResumeParticipantRecording:
    return ResumeParticipantRecording(**ANN, at=at(second))


def delete(one: str = "a", second: float = 9, reason: DeletionReason = "requested") -> DeleteParticipantRecording:
    return DeleteParticipantRecording(**_about(one, second), deleted_by="key", reason=reason)


def came(one: str = "a", second: float = 2) -> RequestParticipantRecording:
    return RequestParticipantRecording(**_about(one, second))


def finish_track_file(one: str = "a", path: str = "1.webm", second: float = 4) -> FinishTrackFile:
    file = FILE.model_copy(update={"path": path})
    return FinishTrackFile(**_about(one, second), begin=at(second - 1), file=file)


def finish_track(one: str = "a", second: float = 5) -> FinishTrackRecording:
    return FinishTrackRecording(**_about(one, second))


def confirm_erasure(one: str = "a", second: float = 10) -> ConfirmErasure:
    return ConfirmErasure(**_about(one, second))


# --- events


def refused(one: str = "a", second: float = 1) -> ParticipantRecordingRefused:
    return ParticipantRecordingRefused(**_about(one, second), code="consent_required")


def awaited(one: str = "a", second: float = 1, grace: float = 60) -> ParticipantRecordingAwaited:
    return ParticipantRecordingAwaited(**_about(one, second), **ASKED, until=at(second + grace))


def wanted(one: str = "a", second: float = 1, *, awaited: bool = False) -> ParticipantRecordingRequested:
    return ParticipantRecordingRequested(**_about(one, second), **ASKED, awaited=awaited)


def paused(one: str = "a", second: float = 3) -> ParticipantRecordingPaused:
    return ParticipantRecordingPaused(**_about(one, second))


def resumed(one: str = "a", second: float = 4) -> ParticipantRecordingResumed:
    return ParticipantRecordingResumed(**_about(one, second))


def track_file_finished(one: str = "a", path: str = "1.webm", second: float = 4) -> TrackFileFinished:
    file = FILE.model_copy(update={"path": path})
    return TrackFileFinished(**_about(one, second), begin=at(second - 1), file=file)


def track_stopped(one: str = "a", second: float = 5) -> TrackRecordingStopped:
    return TrackRecordingStopped(**_about(one, second))


def deleted(*paths: str, one: str = "a", second: float = 9, **more: Any) -> ParticipantRecordingDeleted:
    return ParticipantRecordingDeleted(**_about(one, second), deleted_by="key", paths=paths, **more)


def erased(one: str = "a", second: float = 10) -> ParticipantRecordingErased:
    return ParticipantRecordingErased(**_about(one, second))


def _about(one: str, second: float) -> dict[str, Any]:
    return {**ANN, "participant_recording_id": one, "at": at(second)}
