"""What the recorder has to do next, from what happened: a fold of events, and the commands that are due.

Pure. Commands are due until the events that they lead to have been seen, so nothing is lost when one fails or the
process restarts; a command that is given twice writes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import NAMESPACE_OID, uuid5

from services.recorder.domain.participant_recording import (
    FailParticipantRecording,
    ParticipantRecordingCommand,
    RequestParticipantRecording,
    StopParticipantRecording,
)
from shared.contracts.consent import ConsentEvent
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from shared.contracts.recording import (
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from shared.contracts.yeses import Yeses

#: A worker that is alive answers in milliseconds; later than this, nobody will.
NO_WORKER_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A room recording that was asked for and has not ended."""

    recording_id: str
    started: bool = False


@dataclass(frozen=True, slots=True)
class OpenParticipantRecording:
    """A participant recording that was asked for and is not finished."""

    participant_recording_id: str
    #: None: a server asked for this one alone.
    recording_id: str | None
    requested_at: datetime
    started: bool = False
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """One session, as far as recording is concerned."""

    room_id: str
    session_id: str
    ended_at: datetime | None = None
    present: frozenset[str] = frozenset()
    yeses: Yeses = field(default_factory=Yeses)
    recording: OpenRecording | None = None
    #: When the last recording ended: the files of its participants end there.
    stopped_at: datetime | None = None
    open: Mapping[str, OpenParticipantRecording] = field(default_factory=lambda: MappingProxyType({}))
    #: Participant recordings that were ever asked for: none is asked for twice.
    requested: frozenset[str] = frozenset()

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None and self.recording is None and not self.open


def evolve(meeting: Meeting, event: Event) -> Meeting:  # noqa: C901, PLR0911  one case for each event
    match event:
        case ParticipantJoined():
            return replace(meeting, present=meeting.present | {event.participant_id})
        case ParticipantLeft():
            present = meeting.present - {event.participant_id}
            return replace(meeting, present=present, yeses=meeting.yeses.after(event))
        case SessionEnded():
            return replace(meeting, ended_at=event.at, present=frozenset())
        case ConsentEvent():
            return replace(meeting, yeses=meeting.yeses.after(event))
        case RecordingRequested():
            return replace(meeting, recording=OpenRecording(event.recording_id))
        case RecordingStarted() if meeting.recording:
            return replace(meeting, recording=replace(meeting.recording, started=True))
        case RecordingStopped() | RecordingFailed():
            return replace(meeting, recording=None, stopped_at=event.at, yeses=meeting.yeses.after(event))
        case ParticipantRecordingRequested():
            asked = OpenParticipantRecording(event.participant_recording_id, event.recording_id, event.at)
            requested = meeting.requested | {event.participant_recording_id}
            return replace(_with(meeting, event.participant_id, asked), requested=requested)
        case ParticipantRecordingStarted() if known := meeting.open.get(event.participant_id):
            return _with(meeting, event.participant_id, replace(known, started=True))
        case ParticipantRecordingStopRequested() if known := meeting.open.get(event.participant_id):
            return _with(meeting, event.participant_id, replace(known, stopping=True))
        case ParticipantRecordingStopped() | ParticipantRecordingFailed():
            return _with(meeting, event.participant_id, None)
        case _:
            return meeting


def follow(meeting: Meeting | None, event: Event) -> Meeting | None:
    """Return what an event of the session makes of its meeting; None when it is over, or we know of none."""
    match event:
        case SessionStarted():
            return Meeting(event.room_id, event.session_id, yeses=Yeses.under(event.consent_policy))
        case ParticipantRecordingRequested() if meeting is None:
            # It was decided while the session ended, and came into the log after its end. It has to end as well.
            meeting = Meeting(event.room_id, event.session_id, ended_at=event.at)
        case _:
            pass
    after = evolve(meeting, event) if meeting else None
    return None if after is None or after.is_over else after


def due(meeting: Meeting, now: datetime) -> list[ParticipantRecordingCommand]:
    """Return the commands that should be given now."""
    return [*_starts_due(meeting, now), *_ends_due(meeting, now)]


def participant_recording_id(recording_id: str, participant_id: str) -> str:
    """Return the id of a participant's file in a room recording: the same however often it is asked for."""
    return str(uuid5(NAMESPACE_OID, f"{recording_id}/{participant_id}"))


def _starts_due(meeting: Meeting, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    recording = meeting.recording
    if recording is None or not recording.started or meeting.ended_at:
        return
    for participant_id in sorted(meeting.present & meeting.yeses.holding - meeting.open.keys()):
        wanted = participant_recording_id(recording.recording_id, participant_id)
        if wanted not in meeting.requested:
            yield RequestParticipantRecording(
                room_id=meeting.room_id,
                session_id=meeting.session_id,
                participant_id=participant_id,
                participant_recording_id=wanted,
                recording_id=recording.recording_id,
                at=now,
            )


def _ends_due(meeting: Meeting, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    running = meeting.recording.recording_id if meeting.recording else None
    for participant_id, open_one in meeting.open.items():
        about = {
            "room_id": meeting.room_id,
            "session_id": meeting.session_id,
            "participant_id": participant_id,
            "participant_recording_id": open_one.participant_recording_id,
        }
        if open_one.recording_id != running and not open_one.stopping:
            yield StopParticipantRecording(**about, at=meeting.stopped_at or now)
        elif not open_one.started and now - open_one.requested_at >= NO_WORKER_AFTER:
            yield FailParticipantRecording(**about, at=now, reason="no worker answered")


def _with(meeting: Meeting, participant_id: str, changed: OpenParticipantRecording | None) -> Meeting:
    others = {name: one for name, one in meeting.open.items() if name != participant_id}
    return replace(meeting, open=MappingProxyType({**others, participant_id: changed} if changed else others))
