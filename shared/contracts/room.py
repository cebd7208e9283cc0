"""Room events: sessions, and who is in them. Said by the gateway to everyone."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.contracts.message import Event

Role = Literal["guest", "user", "moderator"]
LeaveReason = Literal["quit", "timeout"]


def room_stream(room_id: str) -> str:
    return f"room-{room_id}"


class RoomEvent(Event):
    room_id: RoomId

    @property
    def stream(self) -> str:
        return room_stream(self.room_id)


class RoomCreated(RoomEvent):
    type: ClassVar[str] = "room.created.v1"

    custom_room_id: str | None = None
    #: Where recording events of this room are posted to.
    webhook_url: str | None = None


class SessionStarted(RoomEvent):
    type: ClassVar[str] = "room.session-started.v1"

    session_id: SessionId


class ParticipantJoined(RoomEvent):
    type: ClassVar[str] = "room.participant-joined.v1"

    session_id: SessionId
    participant_id: ParticipantId
    display_name: str
    role: Role


class ParticipantLeft(RoomEvent):
    type: ClassVar[str] = "room.participant-left.v1"

    session_id: SessionId
    participant_id: ParticipantId
    reason: LeaveReason


class SessionEnded(RoomEvent):
    type: ClassVar[str] = "room.session-ended.v1"

    session_id: SessionId
