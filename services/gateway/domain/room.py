"""A room: its sessions, who is in them with which role, and its breakout rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal, assert_never

from shared.contracts.room import (
    BreakoutRoomOpened,
    ConsentPolicy,
    HandLowered,
    HandRaised,
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    RoomCreated,
    SessionEnded,
    SessionStarted,
)
from shared.eventsourcing.decider import Decider, RefusedError

# ---------------------------------------------------------------------------------------------------------- errors


class RoomNotFoundError(RefusedError):
    """There is no such room."""

    code = "room_not_found"

    def __init__(self, room_id: str) -> None:
        super().__init__(f"Room not found: {room_id}. Create it with POST /v2/rooms.")
        self.room_id = room_id


class InsufficientPermissionsError(RefusedError):
    """Only a moderator may do that."""

    code = "insufficient_permissions"

    def __init__(self, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is no moderator of this room")
        self.participant_id = participant_id


class TargetIsRoomOwnerError(RefusedError):
    """Who came as a moderator stays one."""

    code = "target_is_room_owner"

    def __init__(self, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is a moderator by their token, which cannot be changed here")
        self.participant_id = participant_id


class NothingToDoError(RefusedError):
    """It is so already, or there is nobody to do it to."""

    code = "nothing_to_do"

    def __init__(self, participant_id: str, role: Role | None) -> None:
        now = f"is {role} already" if role else "is not in the room"
        super().__init__(f"participant {participant_id} {now}")
        self.participant_id = participant_id
        self.role = role


# ------------------------------------------------------- events: the stored format, defined in shared/contracts/room

RoomHappened = (
    RoomCreated
    | BreakoutRoomOpened
    | SessionStarted
    | ParticipantJoined
    | ParticipantLeft
    | RoleChanged
    | HandRaised
    | HandLowered
    | SessionEnded
)

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Participant:
    display_name: str
    role: Role
    #: The role they came with.
    own_role: Role
    joined_at: datetime
    gateway_id: str | None = None
    connection_id: str | None = None
    hand_is_up: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What the events made of it. Participants are those of the live session who are present."""

    created: bool = False
    webhook_url: str | None = None
    consent_policy: ConsentPolicy = "clear"
    parent_room_id: str | None = None
    breakout_rooms: frozenset[str] = frozenset()
    session_id: str | None = None
    participants: Mapping[str, Participant] = field(default_factory=lambda: MappingProxyType({}))

    def is_moderator(self, participant_id: str) -> bool:
        participant = self.participants.get(participant_id)
        return participant is not None and participant.role == "moderator"


def evolve(room: Room, event: RoomHappened) -> Room:  # noqa: PLR0911  one case for each event
    match event:
        case RoomCreated():
            return replace(
                room,
                created=True,
                webhook_url=event.webhook_url,
                consent_policy=event.consent_policy,
                parent_room_id=event.parent_room_id,
            )
        case BreakoutRoomOpened():
            return replace(room, breakout_rooms=room.breakout_rooms | {event.breakout_room_id})
        case SessionStarted():
            return replace(room, session_id=event.session_id)
        case ParticipantJoined():
            return _with(room, event.participant_id, _came(event))
        case ParticipantLeft():
            return _with(room, event.participant_id, None)
        case RoleChanged() if known := room.participants.get(event.participant_id):
            return _with(room, event.participant_id, replace(known, role=event.role))
        case HandRaised() | HandLowered() if known := room.participants.get(event.participant_id):
            return _with(room, event.participant_id, replace(known, hand_is_up=isinstance(event, HandRaised)))
        case RoleChanged() | HandRaised() | HandLowered():
            return room
        case SessionEnded():
            return replace(room, session_id=None, participants=MappingProxyType({}))
        case _:
            assert_never(event)


def _came(event: ParticipantJoined) -> Participant:
    return Participant(event.display_name, event.role, event.role, event.at, event.gateway_id, event.connection_id)


def _with(room: Room, participant_id: str, participant: Participant | None) -> Room:
    others = {known: each for known, each in room.participants.items() if known != participant_id}
    return replace(
        room, participants=MappingProxyType({**others, participant_id: participant} if participant else others)
    )


# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class CreateRoom:
    room_id: str
    at: datetime
    custom_room_id: str | None = None
    webhook_url: str | None = None
    consent_policy: ConsentPolicy = "clear"
    parent_room_id: str | None = None


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


RoomCommand = CreateRoom | OpenBreakoutRoom | JoinRoom | LeaveRoom | ChangeRole | MoveHand

# ---------------------------------------------------------------------------------------------------------- decide


def decide(room: Room, command: RoomCommand) -> list[RoomHappened]:
    if not room.created and not isinstance(command, CreateRoom):
        raise RoomNotFoundError(command.room_id)
    match command:
        case CreateRoom():
            return _create(room, command)
        case OpenBreakoutRoom():
            return _open_breakout_room(room, command)
        case JoinRoom():
            return _join(room, command)
        case LeaveRoom():
            return _leave(room, command)
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
            webhook_url=command.webhook_url,
            consent_policy=command.consent_policy,
            parent_room_id=command.parent_room_id,
        )
    ]


def _open_breakout_room(room: Room, command: OpenBreakoutRoom) -> list[RoomHappened]:
    if command.breakout_room_id in room.breakout_rooms:
        return []
    return [
        BreakoutRoomOpened(
            at=command.at, room_id=command.room_id, breakout_room_id=command.breakout_room_id, name=command.name
        )
    ]


def _join(room: Room, command: JoinRoom) -> list[RoomHappened]:
    before = room.participants.get(command.participant_id)
    if before and before.connection_id == command.connection_id:
        return []
    session_id = room.session_id or command.new_session_id
    joined = ParticipantJoined(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        participant_id=command.participant_id,
        display_name=command.display_name,
        role=command.role,
        gateway_id=command.gateway_id,
        connection_id=command.connection_id,
    )
    if before:
        return [_left(session_id, command, "replaced"), joined]
    if room.session_id:
        return [joined]
    return [_session_started(room, command, session_id), joined]


def _leave(room: Room, command: LeaveRoom) -> list[RoomHappened]:
    participant = room.participants.get(command.participant_id)
    if room.session_id is None or participant is None or participant.connection_id != command.connection_id:
        return []
    left = _left(room.session_id, command, command.reason)
    if len(room.participants) > 1:
        return [left]
    return [left, SessionEnded(at=command.at, room_id=command.room_id, session_id=room.session_id)]


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
    return SessionStarted(
        at=command.at, room_id=command.room_id, session_id=session_id, consent_policy=room.consent_policy
    )


def _left(session_id: str, command: JoinRoom | LeaveRoom, reason: LeaveReason) -> ParticipantLeft:
    return ParticipantLeft(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        participant_id=command.participant_id,
        reason=reason,
    )


ROOM = Decider(Room(), evolve, decide)
