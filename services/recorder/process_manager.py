"""What the recorder has to do next, from what happened: a fold of events, and the commands that are due.

Pure. Commands are due until the events that they lead to have been seen, so nothing is lost when one fails or the
process restarts; a command that is given twice writes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from services.recorder.domain.participant_recording import (
    FailParticipantRecording,
    ParticipantRecordingCommand,
    RequestParticipantRecording,
)
from shared.contracts.consent import ConsentEvent
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordingKind,
    StopParticipantRecording,
    TrackRecordingStopped,
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
    #: Of a worker; while its participant is waited for, of the server.
    requested_at: datetime
    #: Until when its participant is waited for; None: they came, or were there.
    awaited_until: datetime | None = None
    started: bool = False
    stopping: bool = False


#: A participant, and what is recorded of them: one recording runs at a time of each.
Key = tuple[str, RecordingKind]


@dataclass(frozen=True, slots=True)
class Meeting:
    """One session, as far as recording is concerned."""

    room_id: str
    session_id: str
    #: Where files of its room go, below the storage root.
    storage_prefix: str = ""
    ended_at: datetime | None = None
    present: frozenset[str] = frozenset()
    yeses: Yeses = field(default_factory=Yeses)
    recording: OpenRecording | None = None
    #: When the last recording ended: the files of its participants end there.
    stopped_at: datetime | None = None
    open: Mapping[Key, OpenParticipantRecording] = field(default_factory=lambda: MappingProxyType({}))
    #: Participant recordings that were ever asked for: none is asked for twice.
    requested: frozenset[str] = frozenset()

    @property
    def recordable(self) -> frozenset[str]:
        """Who is present and consents."""
        return self.present & self.yeses.holding

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None and self.recording is None and not self.open


def evolve(meeting: Meeting, event: Event) -> Meeting:  # noqa: PLR0911  one case for each event
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
        case ParticipantRecordingEvent():
            return _with(meeting, event)
        case _:
            return meeting


def follow(meeting: Meeting | None, event: Event, storage_prefix: str = "") -> Meeting | None:
    """Return what an event of the session makes of its meeting; None when it is over, or we know of none.

    A session that starts puts its files below its room's `storage_prefix`.
    """
    match event:
        case SessionStarted():
            yeses = Yeses.under(event.consent_policy)
            return Meeting(event.room_id, event.session_id, storage_prefix, yeses=yeses)
        case ParticipantRecordingRequested() | ParticipantRecordingAwaited() if meeting is None:
            # It was decided while the session ended, and came into the log after its end. It has to end as well.
            meeting = Meeting(event.room_id, event.session_id, ended_at=event.at)
        case _:
            pass
    after = evolve(meeting, event) if meeting else None
    return None if after is None or after.is_over else after


def due(meeting: Meeting, now: datetime) -> list[ParticipantRecordingCommand]:
    """Return the commands that should be given now."""
    return [*_starts_due(meeting, now), *_changes_due(meeting, now)]


def participant_recording_id(recording_id: str, participant_id: str) -> str:
    """Return the id of a participant's file in a room recording: the same however often it is asked for."""
    return uuid5(NAMESPACE_OID, f"{recording_id}/{participant_id}").hex[:24]


def _starts_due(meeting: Meeting, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    """Yield what has to be requested for the room recording."""
    recording = meeting.recording
    if recording is None or not recording.started or meeting.ended_at:
        return
    for participant_id in sorted(meeting.recordable):
        wanted = participant_recording_id(recording.recording_id, participant_id)
        key: Key = (participant_id, "audio_video")
        if key not in meeting.open and wanted not in meeting.requested:
            yield RequestParticipantRecording(
                **_about(meeting, key, wanted, now),
                recording_id=recording.recording_id,
                storage_prefix=meeting.storage_prefix,
            )


def _changes_due(meeting: Meeting, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    """Yield what has become of those that were asked for: their participant came, or they have to end."""
    for key, open_one in meeting.open.items():
        about = _about(meeting, key, open_one.participant_recording_id, now)
        if open_one.awaited_until:
            yield from _of_awaited(meeting, key, open_one.awaited_until, about)
        elif not open_one.stopping and (end := _end(meeting, open_one, now)):
            yield StopParticipantRecording(**about | {"at": end})
        elif not open_one.started and now - open_one.requested_at >= NO_WORKER_AFTER:
            yield FailParticipantRecording(**about, reason="no worker answered", if_still="requested")


def _of_awaited(
    meeting: Meeting, key: Key, until: datetime, about: dict[str, Any]
) -> Iterator[ParticipantRecordingCommand]:
    if meeting.ended_at:
        yield FailParticipantRecording(**about, reason="session ended before participant came", if_still="awaited")
    elif key[0] in meeting.recordable:
        yield RequestParticipantRecording(**about)
    elif about["at"] >= until:
        missing = "consent" if key[0] in meeting.present else "come"
        yield FailParticipantRecording(**about, reason=f"participant did not {missing}", if_still="awaited")


def _end(meeting: Meeting, open_one: OpenParticipantRecording, now: datetime) -> datetime | None:
    """Return where a file ends: a room recording's with that one, a server's with the session; None: it goes on."""
    if open_one.recording_id is None:
        return meeting.ended_at
    running = meeting.recording.recording_id if meeting.recording else None
    return None if open_one.recording_id == running else meeting.stopped_at or now


def _about(meeting: Meeting, key: Key, participant_recording_id: str, now: datetime) -> dict[str, Any]:
    participant_id, kind = key
    return {
        "room_id": meeting.room_id,
        "session_id": meeting.session_id,
        "participant_id": participant_id,
        "kind": kind,
        "participant_recording_id": participant_recording_id,
        "at": now,
    }


def _with(meeting: Meeting, event: ParticipantRecordingEvent) -> Meeting:
    """Return the meeting after something happened to a participant recording."""
    key: Key = (event.participant_id, event.kind)
    known = meeting.open.get(key)
    match event:
        case ParticipantRecordingAwaited() | ParticipantRecordingRequested():
            requested = meeting.requested | {event.participant_recording_id}
            return replace(_put(meeting, key, _asked(event)), requested=requested)
        case ParticipantRecordingStarted() if known:
            return _put(meeting, key, replace(known, started=True))
        case ParticipantRecordingStopRequested() if known:
            return _put(meeting, key, replace(known, stopping=True))
        case ParticipantRecordingStopped() | TrackRecordingStopped() | ParticipantRecordingFailed():
            return _put(meeting, key, None)
        case _:
            return meeting


def _asked(event: ParticipantRecordingAwaited | ParticipantRecordingRequested) -> OpenParticipantRecording:
    if isinstance(event, ParticipantRecordingAwaited):
        return OpenParticipantRecording(event.participant_recording_id, None, event.at, awaited_until=event.until)
    return OpenParticipantRecording(event.participant_recording_id, event.recording_id, event.at)


def _put(meeting: Meeting, key: Key, changed: OpenParticipantRecording | None) -> Meeting:
    others = {other: one for other, one in meeting.open.items() if other != key}
    return replace(meeting, open=MappingProxyType({**others, key: changed} if changed else others))
