"""What is asked of room `r` and what happens in its session `s`, in few words."""

from __future__ import annotations

from typing import Literal

from services.gateway.domain.room import (
    ChangeRole,
    DeactivateRoom,
    EndSession,
    JoinRoom,
    LeaveRoom,
    LoseGateway,
    MoveHand,
    RemoveParticipant,
)
from shared.contracts.room import (
    HandLowered,
    HandRaised,
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    RoomCreated,
    RoomDeactivated,
    SessionEnded,
    SessionEndReason,
    SessionStarted,
)
from tests.support.moments import at

CREATED = RoomCreated(at=at(), room_id="r")
STARTED = SessionStarted(at=at(1), room_id="r", session_id="s")


# --- asked


def join(
    who: str = "ann", session: str = "s", second: float = 1, role: Role = "user", connection: str | None = None
) -> JoinRoom:
    return JoinRoom("r", session, who, who.title(), role, at(second), gateway_of(connection), connection)


def leave(
    who: str = "ann", second: float = 9, connection: str | None = None, reason: LeaveReason = "quit"
) -> LeaveRoom:
    return LeaveRoom("r", who, reason, at(second), connection)


def lose(connection: str = "one", second: float = 9) -> LoseGateway:
    return LoseGateway("r", gateway_of(connection) or "", at(second))


def remove(who: str = "ann", second: float = 9, session: str | None = None) -> RemoveParticipant:
    return RemoveParticipant("r", who, at(second), session)


def end(second: float = 9, session: str | None = None, reason: SessionEndReason = "requested") -> EndSession:
    return EndSession("r", reason, at(second), session)


def deactivate(second: float = 9) -> DeactivateRoom:
    return DeactivateRoom("r", at(second))


def grant(who: str, by: str = "mona", second: float = 5) -> ChangeRole:
    return ChangeRole("r", who, moderates=True, changed_by=by, at=at(second))


def revoke(who: str, by: str = "mona", second: float = 5) -> ChangeRole:
    return ChangeRole("r", who, moderates=False, changed_by=by, at=at(second))


def raise_hand(who: str = "ann", second: float = 5) -> MoveHand:
    return MoveHand("r", who, "raise", at(second))


def lower_hand(who: str = "ann", second: float = 6) -> MoveHand:
    return MoveHand("r", who, "lower", at(second))


# --- happened


def joined(
    who: str = "ann", session: str = "s", second: float = 1, role: Role = "user", connection: str | None = None
) -> ParticipantJoined:
    return ParticipantJoined(
        at=at(second),
        room_id="r",
        session_id=session,
        participant_id=who,
        display_name=who.title(),
        role=role,
        gateway_id=gateway_of(connection),
        connection_id=connection,
    )


def left(who: str = "ann", second: float = 9, reason: LeaveReason = "quit") -> ParticipantLeft:
    return ParticipantLeft(
        at=at(second), room_id="r", session_id="s", participant_id=who, reason=reason, display_name=who.title()
    )


def ended(second: float = 9, reason: SessionEndReason = "left") -> SessionEnded:
    return SessionEnded(at=at(second), room_id="r", session_id="s", reason=reason)


def deactivated(second: float = 9, reason: Literal["requested", "auto_close"] = "requested") -> RoomDeactivated:
    return RoomDeactivated(at=at(second), room_id="r", reason=reason)


def role_changed(who: str, role: Role, by: str = "mona", second: float = 5) -> RoleChanged:
    return RoleChanged(at=at(second), room_id="r", session_id="s", participant_id=who, role=role, changed_by=by)


def raised(who: str = "ann", second: float = 5) -> HandRaised:
    return HandRaised(at=at(second), room_id="r", session_id="s", participant_id=who)


def lowered(who: str = "ann", second: float = 6) -> HandLowered:
    return HandLowered(at=at(second), room_id="r", session_id="s", participant_id=who)


def gateway_of(connection: str | None) -> str | None:
    return f"gateway of {connection}" if connection else None
