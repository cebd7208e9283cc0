"""Room events: sessions, and who is in them. Said by the gateway to everyone."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.identifiers import Moment, ParticipantId, RoomId, SessionId, StoragePrefix
from shared.contracts.message import Event, added
from shared.contracts.room_settings import Attestation, AutoClose, MediaSource

Role = Literal["guest", "user", "moderator"]
#: They went; their connection or its gateway was lost; they came in a second time, by another connection; a server
#: removed them; a server, or the room's own setting, ended the session.
LeaveReason = Literal["quit", "timeout", "replaced", "removed", "session_ended"]
#: The last participant left; a server ended it; the room's own setting did.
SessionEndReason = Literal["left", "requested", "auto_close"]
#: Whether a yes ends when the participant leaves and when the recording stops, or outlives both.
ConsentPolicy = Literal["clear", "keep"]
#: What a withdrawal does to what was recorded of its participant in the session before: it stays, or it is erased.
WithdrawalPolicy = Literal["keep", "erase"]


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
    consent_policy: ConsentPolicy = "clear"
    withdrawal_policy: WithdrawalPolicy = added("keep")
    #: The room that this one is a breakout room of.
    parent_room_id: RoomId | None = None
    #: Which webhooks the target wants, `*` for any rest of a name; none named: all of them.
    webhook_events: tuple[str, ...] = ()
    auto_close: AutoClose | None = None
    #: Who alone may join; None: anybody whom a token or an invite lets in.
    allowed_participant_ids: tuple[ParticipantId, ...] | None = None
    attestation: Attestation | None = None
    media: MediaSource | None = None
    #: Where files of this room go, below the storage root.
    storage_prefix: StoragePrefix = ""


class RoomDeactivated(RoomEvent):
    """Nobody may join it any more. Its recordings stay."""

    type: ClassVar[str] = "room.deactivated.v1"

    reason: Literal["requested", "auto_close"]


class BreakoutRoomOpened(RoomEvent):
    """The room has a breakout room, which is a room with participants, consent and recordings of its own."""

    type: ClassVar[str] = "room.breakout-room-opened.v1"

    breakout_room_id: RoomId
    name: str


class SessionStarted(RoomEvent):
    type: ClassVar[str] = "room.session-started.v1"

    session_id: SessionId
    #: What the room says, for as long as the session lasts.
    consent_policy: ConsentPolicy = "clear"
    withdrawal_policy: WithdrawalPolicy = added("keep")
    #: When it ends by itself, as the room says; None: when the last participant leaves.
    closes_at: Moment | None = None


class ParticipantJoined(RoomEvent):
    type: ClassVar[str] = "room.participant-joined.v1"

    session_id: SessionId
    participant_id: ParticipantId
    display_name: str
    role: Role
    #: The gateway that they are connected to, and by which of its connections. None: by no connection.
    gateway_id: str | None = None
    connection_id: str | None = None


class ParticipantLeft(RoomEvent):
    type: ClassVar[str] = "room.participant-left.v1"

    session_id: SessionId
    participant_id: ParticipantId
    reason: LeaveReason
    #: By which they came.
    display_name: str | None = None


class RoleChanged(RoomEvent):
    type: ClassVar[str] = "room.role-changed.v1"

    session_id: SessionId
    participant_id: ParticipantId
    role: Role
    changed_by: ParticipantId


class HandRaised(RoomEvent):
    type: ClassVar[str] = "room.hand-raised.v1"

    session_id: SessionId
    participant_id: ParticipantId


class HandLowered(RoomEvent):
    type: ClassVar[str] = "room.hand-lowered.v1"

    session_id: SessionId
    participant_id: ParticipantId


class SessionEnded(RoomEvent):
    type: ClassVar[str] = "room.session-ended.v1"

    session_id: SessionId
    reason: SessionEndReason = "left"
