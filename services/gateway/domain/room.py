"""A room: its sessions, who is in them with which role, and its breakout rooms.

Errors, and what became of a room, have files of their own beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never

from services.gateway.domain.room_errors import (
    InsufficientPermissionsError,
    NothingToDoError,
    NotInRoomError,
    ParticipantNotAllowedError,
    RoomDeactivatedError,
    RoomNotFoundError,
    SessionNotFoundError,
    TargetIsRoomOwnerError,
)
from services.gateway.domain.room_life import Participant, Room, RoomHappened, RoomSettings, evolve
from shared.contracts.room import (
    BreakoutRoomOpened,
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
from shared.eventsourcing.decider import Decider

# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class CreateRoom:
    room_id: str
    at: datetime
    custom_room_id: str | None = None
    settings: RoomSettings = field(default_factory=RoomSettings)
    parent_room_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeactivateRoom:
    """Let nobody in any more. Who is there may stay."""

    room_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenBreakoutRoom:
    room_id: str
    breakout_room_id: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JoinRoom:
    room_id: str
    #: The id of the session that begins if none is live.
    new_session_id: str
    participant_id: str
    display_name: str
    role: Role
    at: datetime
    gateway_id: str | None = None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    room_id: str
    participant_id: str
    reason: LeaveReason
    at: datetime
    #: Which of their connections ended. They have left only if it is the one that they are here by.
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class LoseGateway:
    """Have everybody leave whose connection was to a gateway that is gone."""

    room_id: str
    gateway_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RemoveParticipant:
    """Have a participant leave, by whichever connection they are here."""

    room_id: str
    participant_id: str
    at: datetime
    #: The session that is meant; None: whichever is live.
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class EndSession:
    """Have everybody leave."""

    room_id: str
    reason: SessionEndReason
    at: datetime
    #: The session that is meant; None: whichever is live.
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Make somebody a moderator, or give them back the role they came with."""

    room_id: str
    participant_id: str
    moderates: bool
    changed_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MoveHand:
    room_id: str
    participant_id: str
    move: Literal["raise", "lower"]
    at: datetime


RoomCommand = (
    CreateRoom
    | DeactivateRoom
    | OpenBreakoutRoom
    | JoinRoom
    | LeaveRoom
    | LoseGateway
    | RemoveParticipant
    | EndSession
    | ChangeRole
    | MoveHand
)

# ---------------------------------------------------------------------------------------------------------- decide


def decide(room: Room, command: RoomCommand) -> list[RoomHappened]:  # noqa: C901, PLR0911  one case each
    if not room.created and not isinstance(command, CreateRoom):
        raise RoomNotFoundError(command.room_id)
    match command:
        case CreateRoom():
            return _create(room, command)
        case DeactivateRoom():
            return _deactivate(room, command.room_id, "requested", command.at)
        case OpenBreakoutRoom():
            return _open_breakout_room(room, command)
        case JoinRoom():
            return _join(room, command)
        case LeaveRoom():
            return _leave(room, command)
        case LoseGateway():
            return _lose(room, command)
        case RemoveParticipant():
            return _remove(room, command)
        case EndSession():
            return _end(room, command)
        case ChangeRole():
            return _change_role(room, command)
        case MoveHand():
            return _move_hand(room, command)
        case _:
            assert_never(command)


def _create(room: Room, command: CreateRoom) -> list[RoomHappened]:
    if room.created:
        return []
    return [
        RoomCreated(
            at=command.at,
            room_id=command.room_id,
            custom_room_id=command.custom_room_id,
            parent_room_id=command.parent_room_id,
            **_as_said(command.settings),
        )
    ]


def _as_said(settings: RoomSettings) -> dict[str, Any]:
    return {each.name: getattr(settings, each.name) for each in fields(settings)}


def _deactivate(
    room: Room, room_id: str, reason: Literal["requested", "auto_close"], at: datetime
) -> list[RoomHappened]:
    return [] if room.deactivated_at else [RoomDeactivated(at=at, room_id=room_id, reason=reason)]


def _open_breakout_room(room: Room, command: OpenBreakoutRoom) -> list[RoomHappened]:
    if command.breakout_room_id in room.breakout_rooms:
        return []
    require_active(room, command.room_id)
    return [
        BreakoutRoomOpened(
            at=command.at, room_id=command.room_id, breakout_room_id=command.breakout_room_id, name=command.name
        )
    ]


def _join(room: Room, command: JoinRoom) -> list[RoomHappened]:
    before = room.participants.get(command.participant_id)
    # Media that comes by no connection replaces none: whoever is here is here.
    if before and command.connection_id in {None, before.connection_id}:
        return []
    _require_entry(room, command)
    session_id = room.session_id or command.new_session_id
    joined = _joined(session_id, command)
    if before:
        return [_left(command, session_id, command.participant_id, before, "replaced"), joined]
    if room.session_id:
        return [joined]
    return [_session_started(room, command, session_id), joined]


def require_active(room: Room, room_id: str) -> None:
    """Raise RoomDeactivatedError when nobody may join any more."""
    if room.deactivated_at:
        raise RoomDeactivatedError(room_id)


def _require_entry(room: Room, command: JoinRoom) -> None:
    require_active(room, command.room_id)
    require_allowed(room, command.room_id, command.participant_id)


def require_allowed(room: Room, room_id: str, participant_id: str) -> None:
    """Raise ParticipantNotAllowedError unless the participant is one of those who may join."""
    allowed = room.settings.allowed_participant_ids
    if allowed is not None and participant_id not in allowed:
        raise ParticipantNotAllowedError(room_id, participant_id)


def _leave(room: Room, command: LeaveRoom) -> list[RoomHappened]:
    participant = room.participants.get(command.participant_id)
    if room.session_id is None or participant is None or participant.connection_id != command.connection_id:
        return []
    return _gone(room, command, room.session_id, {command.participant_id: participant}, command.reason)


def _lose(room: Room, command: LoseGateway) -> list[RoomHappened]:
    by_it = {who: each for who, each in room.participants.items() if each.gateway_id == command.gateway_id}
    return _gone(room, command, room.session_id, by_it, "timeout") if room.session_id and by_it else []


def _remove(room: Room, command: RemoveParticipant) -> list[RoomHappened]:
    session_id = _meant(room, command)
    participant = room.participants.get(command.participant_id)
    if participant is None:
        raise NotInRoomError(command.room_id, command.participant_id)
    return _gone(room, command, session_id, {command.participant_id: participant}, "removed")


def _gone(
    room: Room,
    command: LeaveRoom | LoseGateway | RemoveParticipant,
    session_id: str,
    who: Mapping[str, Participant],
    reason: LeaveReason,
) -> list[RoomHappened]:
    left = [
        # Until when a gateway lived that is gone may be before somebody came.
        _left(replace(command, at=max(command.at, participant.joined_at)), session_id, each, participant, reason)
        for each, participant in who.items()
    ]
    if len(room.participants) > len(who):
        return [*left]
    # A leave may be of a moment before somebody else's: the session ends with the last of them.
    at = max(*room.left.values(), *(each.at for each in left), command.at)
    return [*left, SessionEnded(at=at, room_id=command.room_id, session_id=session_id)]


def _end(room: Room, command: EndSession) -> list[RoomHappened]:
    session_id = _meant(room, command)
    left = [
        _left(command, session_id, who, participant, "session_ended") for who, participant in room.participants.items()
    ]
    ended = SessionEnded(at=command.at, room_id=command.room_id, session_id=session_id, reason=command.reason)
    return [*left, ended, *_closed(room, command)]


def _closed(room: Room, command: EndSession) -> list[RoomHappened]:
    """Return what the end of a session by the room's own setting makes of the room."""
    auto_close = room.settings.auto_close
    if command.reason != "auto_close" or auto_close is None or not auto_close.deactivates:
        return []
    return _deactivate(room, command.room_id, "auto_close", command.at)


def _meant(room: Room, command: RemoveParticipant | EndSession) -> str:
    if room.session_id is None or command.session_id not in {None, room.session_id}:
        raise SessionNotFoundError(command.room_id, command.session_id)
    return room.session_id


def _change_role(room: Room, command: ChangeRole) -> list[RoomHappened]:
    if room.session_id is None or not room.is_moderator(command.changed_by):
        raise InsufficientPermissionsError(command.changed_by)
    target = room.participants.get(command.participant_id)
    if target and target.own_role == "moderator":
        raise TargetIsRoomOwnerError(command.participant_id)
    if target is None or (target.role == "moderator") == command.moderates:
        raise NothingToDoError(command.participant_id, target.role if target else None)
    return [
        RoleChanged(
            at=command.at,
            room_id=command.room_id,
            session_id=room.session_id,
            participant_id=command.participant_id,
            role="moderator" if command.moderates else target.own_role,
            changed_by=command.changed_by,
        )
    ]


def _move_hand(room: Room, command: MoveHand) -> list[RoomHappened]:
    participant = room.participants.get(command.participant_id)
    up = command.move == "raise"
    if room.session_id is None or participant is None or participant.hand_is_up == up:
        return []
    moved = HandRaised if up else HandLowered
    return [
        moved(
            at=command.at,
            room_id=command.room_id,
            session_id=room.session_id,
            participant_id=command.participant_id,
        )
    ]


def _session_started(room: Room, command: JoinRoom, session_id: str) -> SessionStarted:
    auto_close = room.settings.auto_close
    return SessionStarted(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        consent_policy=room.settings.consent_policy,
        withdrawal_policy=room.settings.withdrawal_policy,
        closes_at=command.at + timedelta(minutes=auto_close.minutes) if auto_close else None,
    )


def _joined(session_id: str, command: JoinRoom) -> ParticipantJoined:
    return ParticipantJoined(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        participant_id=command.participant_id,
        display_name=command.display_name,
        role=command.role,
        gateway_id=command.gateway_id,
        connection_id=command.connection_id,
    )


def _left(
    command: JoinRoom | LeaveRoom | LoseGateway | RemoveParticipant | EndSession,
    session_id: str,
    who: str,
    participant: Participant,
    reason: LeaveReason,
) -> ParticipantLeft:
    return ParticipantLeft(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        participant_id=who,
        reason=reason,
        display_name=participant.display_name,
    )


ROOM = Decider(Room(), evolve, decide)
