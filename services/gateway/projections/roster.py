"""The roster: who is in which room, who consents, and what is being recorded, as clients are told.

Pure. `apply` takes each event of the log once and returns who has to be told what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.consent import ConsentEvent, ConsentGiven
from shared.contracts.message import Event
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.room import ParticipantJoined, ParticipantLeft, Role, SessionEnded, SessionStarted


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people in a room are told."""

    room_id: str
    namespace: str
    payload: Mapping[str, Any]
    #: The participant it is about and who is not told; None: everybody is.
    about: str | None = None


@dataclass(slots=True)
class Peer:
    """A participant as the others see them."""

    id: str
    display_name: str
    role: Role
    joined_at: datetime
    consents: bool = False

    def view(self) -> dict[str, Any]:
        """Return the participant object of the signaling protocol."""
        return {
            "id": self.id,
            "control": {
                "display_name": self.display_name,
                "role": self.role,
                "participation_kind": "guest" if self.role == "guest" else "user",
                "hand_is_up": False,
                "joined_at": _timestamp(self.joined_at),
                "hand_updated_at": _timestamp(self.joined_at),
                "left_at": None,
            },
            "recording": {"consents_recording": self.consents},
        }


@dataclass(slots=True)
class LiveSession:
    session_id: str
    peers: dict[str, Peer] = field(default_factory=dict)
    #: Who consents, present or not: it holds for the session, over leaving and coming back.
    consenting: set[str] = field(default_factory=set)
    recording_id: str | None = None
    recording_started: bool = False

    def recording_view(self) -> dict[str, Any] | None:
        """Return the recording object of `join_success`. Documentation says `status`, clients read `state`: both."""
        if self.recording_id is None:
            return None
        if not self.recording_started:
            return {"state": "initializing", "status": "initializing"}
        return {"state": "recording", "status": "recording", "recording_id": self.recording_id}


class Roster:
    """All live sessions, by room."""

    def __init__(self) -> None:
        self._sessions: dict[str, LiveSession] = {}

    def session(self, room_id: str) -> LiveSession | None:
        return self._sessions.get(room_id)

    def apply(self, event: Event) -> list[Notice]:
        """Take the event and return what is to be told because of it."""
        match event:
            case SessionStarted():
                self._sessions[event.room_id] = LiveSession(event.session_id)
            case SessionEnded():
                self._sessions.pop(event.room_id, None)
            case ParticipantJoined() | ParticipantLeft() | ConsentEvent():
                return self._of_participant(event)
            case RecordingRequested() | RecordingStarted() | RecordingStopped() | RecordingFailed():
                return self._of_recording(event)
        return []

    def _of_participant(self, event: ParticipantJoined | ParticipantLeft | ConsentEvent) -> list[Notice]:
        session = self._live(event.room_id, event.session_id)
        if session is None:
            return []
        match event:
            case ParticipantJoined():
                return [_joined(session, event)]
            case ParticipantLeft():
                session.peers.pop(event.participant_id, None)
                return [_control(event, {"message": "left", "id": event.participant_id})]
            case _:
                return _consent_said(session, event)

    def _of_recording(
        self, event: RecordingRequested | RecordingStarted | RecordingStopped | RecordingFailed
    ) -> list[Notice]:
        session = self._live(event.room_id, event.session_id)
        if session is None:
            return []
        session.recording_id = None if isinstance(event, RecordingStopped | RecordingFailed) else event.recording_id
        session.recording_started = isinstance(event, RecordingStarted)
        match event:
            case RecordingStarted():
                return [_recording(event, "started")]
            case RecordingStopped():
                return [_recording(event, "stopped")]
            case _:
                return []

    def _live(self, room_id: str, session_id: str) -> LiveSession | None:
        session = self._sessions.get(room_id)
        return session if session and session.session_id == session_id else None


def _joined(session: LiveSession, event: ParticipantJoined) -> Notice:
    consents = event.participant_id in session.consenting
    peer = Peer(event.participant_id, event.display_name, event.role, event.at, consents)
    session.peers[peer.id] = peer
    return _control(event, {"message": "joined", **peer.view()})


def _consent_said(session: LiveSession, event: ConsentEvent) -> list[Notice]:
    consents = isinstance(event, ConsentGiven)
    (session.consenting.add if consents else session.consenting.discard)(event.participant_id)
    peer = session.peers.get(event.participant_id)
    if peer is None:
        return []
    peer.consents = consents
    return [_control(event, {"message": "update", **peer.view()})]


def _control(event: ParticipantJoined | ParticipantLeft | ConsentEvent, payload: dict[str, Any]) -> Notice:
    return Notice(event.room_id, "control", payload, about=event.participant_id)


def _recording(event: RecordingStarted | RecordingStopped, message: str) -> Notice:
    return Notice(event.room_id, "recording", {"message": message, "recording_id": event.recording_id})


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
