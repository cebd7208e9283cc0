"""Who is to be recorded in a session, and which files have to end: a fold of its events, and the commands that are due.

Pure. `rooms.py` follows the sessions of each room with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from services.recorder.domain.participant_recording import (
    FailParticipantRecording,
    ParticipantRecordingCommand,
    RequestParticipantRecording,
)
from services.recorder.process_managers.open_recordings import OpenParticipantRecording, OpenRecording, asked
from shared.contracts.consent import ConsentEvent
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
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
    WORKER_ANSWERS_WITHIN,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from shared.contracts.yeses import Yeses

#: A participant, and what is recorded of them: one recording runs at a time of each.
Key = tuple[str, RecordingKind]


@dataclass(frozen=True, slots=True)
class RecordedSession:
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
    #: Room recordings that were thrown away: what was asked for in them is deleted, and is not to end.
    discarded: frozenset[str] = frozenset()
    open: Mapping[Key, OpenParticipantRecording] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def recordable(self) -> frozenset[str]:
        """Who is present and consents."""
        return self.present & self.yeses.holding

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None and self.recording is None and not self.open


def evolve(session: RecordedSession, event: Event) -> RecordedSession:  # noqa: PLR0911  one case for each event
    match event:
        case ParticipantJoined():
            return replace(session, present=session.present | {event.participant_id})
        case ParticipantLeft():
            present = session.present - {event.participant_id}
            return replace(session, present=present, yeses=session.yeses.after(event))
        case SessionEnded():
            return replace(session, ended_at=event.at, present=frozenset())
        case ConsentEvent():
            return replace(session, yeses=session.yeses.after(event))
        case RecordingRequested():
            return replace(session, recording=OpenRecording(event.recording_id))
        case RecordingStarted() if session.recording:
            return replace(session, recording=replace(session.recording, started=True))
        case RecordingStopped() | RecordingFailed():
            stopped = replace(session, recording=None, stopped_at=event.at, yeses=session.yeses.after(event))
            is_discarded = isinstance(event, RecordingStopped) and event.discarded
            return replace(stopped, discarded=session.discarded | {event.recording_id}) if is_discarded else stopped
        case ParticipantRecordingEvent():
            return _with(session, event)
        case _:
            return session


def follow(session: RecordedSession | None, event: Event, storage_prefix: str = "") -> RecordedSession | None:
    """Return what an event of the session makes of its session; None when it is over, or we know of none.

    A session that starts puts its files below its room's `storage_prefix`.
    """
    match event:
        case SessionStarted():
            yeses = Yeses.under(event.consent_policy)
            return RecordedSession(event.room_id, event.session_id, storage_prefix, yeses=yeses)
        case ParticipantRecordingRequested() | ParticipantRecordingAwaited() if session is None:
            # It was decided while the session ended, and came into the log after its end. It has to end as well.
            session = RecordedSession(event.room_id, event.session_id, ended_at=event.at)
        case _:
            pass
    after = evolve(session, event) if session else None
    return None if after is None or after.is_over else after


def due(session: RecordedSession, now: datetime) -> list[ParticipantRecordingCommand]:
    """Return the commands that should be given now."""
    return [*_starts_due(session, now), *_changes_due(session, now)]


def next_at(session: RecordedSession) -> datetime | None:
    """Return when those that are waited for, participants and workers, have been waited for long enough."""
    waited_until = (
        one.awaited_until or one.requested_at + WORKER_ANSWERS_WITHIN
        for one in session.open.values()
        if not one.started
    )
    return min(waited_until, default=None)


def _starts_due(session: RecordedSession, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    """Yield what has to be requested for the room recording."""
    recording = session.recording
    if recording is None or not recording.started or session.ended_at:
        return
    for participant_id in sorted(session.recordable - recording.asked_for):
        key: Key = (participant_id, "audio_video")
        if key not in session.open:
            yield RequestParticipantRecording(
                **_about(session, key, recording.file_of(participant_id), now),
                recording_id=recording.recording_id,
                storage_prefix=session.storage_prefix,
            )


def _changes_due(session: RecordedSession, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    """Yield what has become of those that were asked for: their participant came, or they have to end."""
    for key, open_one in session.open.items():
        about = _about(session, key, open_one.participant_recording_id, now)
        if open_one.awaited_until:
            yield from _of_awaited(session, key, open_one.awaited_until, about)
        elif open_one.recording_id in session.discarded:
            continue
        elif not open_one.stopping and (end := _end(session, open_one, now)):
            yield StopParticipantRecording(**about | {"at": end})
        elif not open_one.started and now - open_one.requested_at >= WORKER_ANSWERS_WITHIN:
            yield FailParticipantRecording(**about, reason="no worker answered", if_still="requested")


def _of_awaited(
    session: RecordedSession, key: Key, until: datetime, about: dict[str, Any]
) -> Iterator[ParticipantRecordingCommand]:
    if session.ended_at:
        yield FailParticipantRecording(**about, reason="session ended before participant came", if_still="awaited")
    elif key[0] in session.recordable:
        yield RequestParticipantRecording(**about)
    elif about["at"] >= until:
        missing = "consent" if key[0] in session.present else "come"
        yield FailParticipantRecording(**about, reason=f"participant did not {missing}", if_still="awaited")


def _end(session: RecordedSession, open_one: OpenParticipantRecording, now: datetime) -> datetime | None:
    """Return where a file ends: a room recording's with that one, a server's with the session; None: it goes on."""
    if open_one.recording_id is None:
        return session.ended_at
    running = session.recording.recording_id if session.recording else None
    return None if open_one.recording_id == running else session.stopped_at or now


def _about(session: RecordedSession, key: Key, participant_recording_id: str, now: datetime) -> dict[str, Any]:
    participant_id, kind = key
    return {
        "room_id": session.room_id,
        "session_id": session.session_id,
        "participant_id": participant_id,
        "kind": kind,
        "participant_recording_id": participant_recording_id,
        "at": now,
    }


def _with(  # noqa: PLR0911  one case for each event
    session: RecordedSession, event: ParticipantRecordingEvent
) -> RecordedSession:
    """Return the session after something happened to a participant recording."""
    key: Key = (event.participant_id, event.kind)
    known = session.open.get(key)
    match event:
        case ParticipantRecordingAwaited():
            return _put(session, key, asked(event))
        case ParticipantRecordingRequested():
            return replace(
                _put(session, key, asked(event)), recording=session.recording and session.recording.asking(event)
            )
        case ParticipantRecordingStarted() if known:
            return _put(session, key, replace(known, started=True))
        case ParticipantRecordingStopRequested() if known:
            return _put(session, key, replace(known, stopping=True))
        case ParticipantRecordingStopped() | TrackRecordingStopped() | ParticipantRecordingFailed():
            return _put(session, key, None)
        case ParticipantRecordingDeleted():
            is_open = known is not None and known.participant_recording_id == event.participant_recording_id
            after = _put(session, key, None) if is_open else session
            return replace(after, recording=session.recording and session.recording.without(event))
        case _:
            return session


def _put(session: RecordedSession, key: Key, changed: OpenParticipantRecording | None) -> RecordedSession:
    others = {other: one for other, one in session.open.items() if other != key}
    return replace(session, open=MappingProxyType({**others, key: changed} if changed else others))
