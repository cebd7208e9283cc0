"""Which room recordings have to end, from what happened: a fold of events, and the commands that are due.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.gateway.domain.recording import FailRecording, StopRecording
from shared.contracts.message import Event
from shared.contracts.recording import (
    WORKER_ANSWERS_WITHIN,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
    recording_stream,
)
from shared.contracts.room import SessionEnded, SessionStarted
from shared.eventsourcing.process import Process


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A room recording that was asked for and has not ended."""

    recording_id: str
    requested_at: datetime
    started: bool = False


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session, as far as its room recording is concerned."""

    room_id: str
    session_id: str
    ended_at: datetime | None = None
    recording: OpenRecording | None = None

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None and self.recording is None


def follow(session: RecordedSession | None, event: Event) -> RecordedSession | None:
    """Return what an event of the session makes of it; None when it is over, or we know of none."""
    match event:
        case SessionStarted():
            return RecordedSession(event.room_id, event.session_id)
        case RecordingRequested() if session is None:
            # It was decided while the session ended, and came into the log after its end. It has to end as well.
            session = RecordedSession(event.room_id, event.session_id, ended_at=event.at)
        case _:
            pass
    after = _evolve(session, event) if session else None
    return None if after is None or after.is_over else after


def _evolve(session: RecordedSession, event: Event) -> RecordedSession:
    match event:
        case SessionEnded():
            return replace(session, ended_at=event.at)
        case RecordingRequested():
            return replace(session, recording=OpenRecording(event.recording_id, event.at))
        case RecordingStarted() if session.recording:
            return replace(session, recording=replace(session.recording, started=True))
        case RecordingStopped() | RecordingFailed():
            return replace(session, recording=None)
        case _:
            return session


def due(session: RecordedSession, now: datetime) -> Iterator[StopRecording | FailRecording]:
    """Yield the commands that should be given now."""
    recording, about = session.recording, (session.room_id, session.session_id)
    if recording is None:
        return
    if recording.started and session.ended_at:
        yield StopRecording(*about, session.ended_at, recording.recording_id, reason="session_ended")
    if not recording.started and (session.ended_at or now - recording.requested_at >= WORKER_ANSWERS_WITHIN):
        reason = "the session ended" if session.ended_at else "no worker answered"
        yield FailRecording(*about, recording.recording_id, reason, now)


def next_at(session: RecordedSession) -> datetime | None:
    """Return when a worker has been waited for long enough."""
    recording = session.recording
    return recording.requested_at + WORKER_ANSWERS_WITHIN if recording and not recording.started else None


def _session_id(event: Event) -> str | None:
    return getattr(event, "session_id", None)


def _stream(command: StopRecording | FailRecording) -> str:
    return recording_stream(command.session_id)


ROOM_RECORDINGS: Process[RecordedSession, StopRecording | FailRecording] = Process(
    _session_id, follow, due, _stream, next_at
)
