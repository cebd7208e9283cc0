"""The roster: who is in which room, who consents, and what is being recorded, as clients are told.

Pure. `apply` takes each event of the log once and returns who has to be told what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.gateway.projections.live_session import LiveSession
from services.gateway.signaling import events as told
from shared.contracts.consent import ConsentCleared, ConsentEvent
from shared.contracts.message import Event
from shared.contracts.recording import RecordingEvent, RecordingFailed, RecordingStarted, RecordingStopped
from shared.contracts.room import (
    HandLowered,
    HandRaised,
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    RoleChanged,
    RoomEvent,
    SessionEnded,
    SessionStarted,
)

#: Clients know `kicked`, and no word for the end of a session: there, everybody else leaves as well.
_WHY_LEFT: Mapping[LeaveReason, told.WhyLeft] = {
    "quit": "quit",
    "timeout": "timeout",
    "replaced": "replaced",
    "removed": "kicked",
    "session_ended": "quit",
}

#: Of the ids of targets: each room has one, always the same.
_TARGETS = UUID("5b8b7d3e-0d0c-4f0e-8a57-6f4b8e0f3f5d")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people in a room are told."""

    room_id: str
    message: told.ServerMessage
    #: The participant it is about and who is not told.
    about: str | None = None
    #: The only participant who is told.
    only: str | None = None
    #: Only clients that ask for streams (generation B) understand it.
    of_streams: bool = False


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A connection that is none any more: its participant was found to have left."""

    room_id: str
    participant_id: str
    connection_id: str
    reason: LeaveReason


def target_id(room_id: str) -> str:
    """Return the id of the room's one target (generation B)."""
    return str(uuid5(_TARGETS, room_id))


class Roster:
    """All live sessions, by room."""

    def __init__(self) -> None:
        self._sessions: dict[str, LiveSession] = {}

    def session(self, room_id: str) -> LiveSession | None:
        return self._sessions.get(room_id)

    @property
    def sessions(self) -> Mapping[str, LiveSession]:
        return self._sessions

    def apply(self, event: Event) -> list[Notice | Goodbye]:
        """Take the event and return what is to be told because of it."""
        match event:
            case SessionStarted():
                self._sessions[event.room_id] = LiveSession.started(event)
            case SessionEnded():
                self._sessions.pop(event.room_id, None)
            case RoomEvent() | ConsentEvent() | RecordingEvent():
                session = self._sessions.get(event.room_id)
                if session and session.session_id == getattr(event, "session_id", None):
                    return _within(session, event)
        return []


def _within(session: LiveSession, event: Event) -> list[Notice | Goodbye]:  # noqa: PLR0911  one case for each event
    match event:
        case ParticipantJoined():
            session.joined(event)
            return _seen(session, event, told.Joined)
        case ParticipantLeft():
            return _left(session, event)
        case RoleChanged():
            return _role_changed(session, event)
        case HandRaised() | HandLowered():
            session.hand_moved(event)
            return _seen(session, event, told.Update)
        case ConsentCleared():
            # Not told: `stopped` and `left` say it to everybody.
            session.consent_changed(event)
            return []
        case ConsentEvent():
            session.consent_changed(event)
            return _seen(session, event, told.Update)
        case RecordingEvent():
            return _recording(session, event)
    return []


_OfParticipant = ParticipantJoined | ParticipantLeft | RoleChanged | HandRaised | HandLowered | ConsentEvent


def _about(event: _OfParticipant, message: told.ServerMessage) -> Notice:
    return Notice(event.room_id, message, about=event.participant_id)


def _left(session: LiveSession, event: ParticipantLeft) -> list[Notice | Goodbye]:
    connection_id = session.left(event)
    notice = _about(event, told.Left(id=event.participant_id, reason=_WHY_LEFT[event.reason]))
    if connection_id is None:
        return [notice]
    return [notice, Goodbye(event.room_id, event.participant_id, connection_id, event.reason)]


def _role_changed(session: LiveSession, event: RoleChanged) -> list[Notice | Goodbye]:
    session.role_changed(event)
    yours = Notice(event.room_id, told.RoleUpdated(new_role=event.role), only=event.participant_id)
    return [yours, *_seen(session, event, told.Update)]


def _seen(session: LiveSession, event: _OfParticipant, kind: type[told.Joined | told.Update]) -> list[Notice | Goodbye]:
    view = session.seen(event.participant_id)
    if view is None:
        return []
    return [_about(event, kind(id=view.id, control=view.control, recording=view.recording))]


def _recording(session: LiveSession, event: RecordingEvent) -> list[Notice | Goodbye]:
    before, room_id = session.recording, event.room_id
    session.recorded(event)
    stream = told.StreamUpdated(target_id=target_id(room_id), status=session.stream_status)
    match event:
        case RecordingFailed() if before:
            return [Notice(room_id, told.RecorderError(), only=before.requested_by, of_streams=True)]
        case RecordingStarted():
            return [Notice(room_id, told.Started(recording_id=event.recording_id)), Notice(room_id, stream)]
        case RecordingStopped():
            # Also of one that never started: it tells clients that nobody consents any more.
            stopped = told.Stopped(recording_id=event.recording_id, discarded=event.discarded or None)
            return [Notice(room_id, stopped), Notice(room_id, stream)]
    return [Notice(room_id, stream)] if stream.status != "starting" else []
