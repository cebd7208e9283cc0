"""Commands to one participant's recordings, and the events they lead to."""

from __future__ import annotations

from typing import Any

from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    FailParticipantRecording,
    FinishParticipantRecording,
    ReportFlow,
    RequestParticipantRecording,
)
from services.recorder.domain.participant_recording_life import Phase
from shared.contracts.gaps import FileGaps, Gap, Track
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordedFile,
    StopParticipantRecording,
    TimelineFile,
    TrackFlowStarted,
    TrackFlowStopped,
)
from tests.support.moments import at

FILE = RecordedFile(
    path="s/ann/participant_recording_ann_1.webm",
    size_bytes=4711,
    sha256="ab" * 32,
    duration_ms=9000,
    width=640,
    height=480,
    video_codec="vp8",
    audio_codec="opus",
    video_frames=270,
    audio_packets=450,
)


GAPS = FileGaps(
    longest=(Gap(track="video", begin_ms=3000, end_ms=5000, reason="camera_off"),), left_out=1, left_out_ms=600
)

TIMELINE = TimelineFile(path="s/ann/participant_recording_ann_1.timeline.json", size_bytes=900, sha256="cd" * 32)


def request(one: str = "a", second: float = 1) -> RequestParticipantRecording:
    return RequestParticipantRecording(**_about(one, second), recording_id="rec")


def confirm(one: str = "a", second: float = 2) -> ConfirmParticipantRecording:
    return ConfirmParticipantRecording(**_about(one, second), worker_id="worker")


def stop(one: str = "a", second: float = 3) -> StopParticipantRecording:
    return StopParticipantRecording(**_about(one, second))


def finish(one: str = "a", second: float = 4) -> FinishParticipantRecording:
    return FinishParticipantRecording(**_about(one, second), file=FILE, gaps=GAPS, timeline=TIMELINE)


def fail(
    one: str = "a", second: float = 5, reason: str = "disk full", worker: str = "worker"
) -> FailParticipantRecording:
    return FailParticipantRecording(**_about(one, second), reason=reason, worker_id=worker)


def give_up(phase: Phase, one: str = "a", second: float = 5, reason: str = "disk full") -> FailParticipantRecording:
    return FailParticipantRecording(**_about(one, second), reason=reason, if_still=phase)


def requested(one: str = "a", second: float = 1) -> ParticipantRecordingRequested:
    return ParticipantRecordingRequested(**_about(one, second), recording_id="rec")


def started(one: str = "a", second: float = 2) -> ParticipantRecordingStarted:
    return ParticipantRecordingStarted(**_about(one, second), worker_id="worker")


def report_flow(track: Track, one: str = "a", second: float = 3, *, flows: bool) -> ReportFlow:
    return ReportFlow(**_about(one, second), track=track, flows=flows)


def flow_started(track: Track, one: str = "a", second: float = 3) -> TrackFlowStarted:
    return TrackFlowStarted(**_about(one, second), track=track)


def flow_stopped(track: Track, one: str = "a", second: float = 3) -> TrackFlowStopped:
    return TrackFlowStopped(**_about(one, second), track=track)


def stop_requested(one: str = "a", second: float = 3) -> ParticipantRecordingStopRequested:
    return ParticipantRecordingStopRequested(**_about(one, second))


def stopped(one: str = "a", second: float = 4) -> ParticipantRecordingStopped:
    return ParticipantRecordingStopped(**_about(one, second), file=FILE, gaps=GAPS, timeline=TIMELINE)


def failed(one: str = "a", second: float = 5, reason: str = "disk full") -> ParticipantRecordingFailed:
    return ParticipantRecordingFailed(**_about(one, second), reason=reason)


def _about(one: str, second: float) -> dict[str, Any]:
    return {
        "room_id": "r",
        "session_id": "s",
        "participant_id": "ann",
        "participant_recording_id": one,
        "at": at(second),
    }
