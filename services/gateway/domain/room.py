"""A room: its sessions, and who is in them with which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from shared.contracts.room import (
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    Role,
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


# ------------------------------------------------------- events: the stored format, defined in shared/contracts/room

RoomHappened = RoomCreated | SessionStarted | ParticipantJoined | ParticipantLeft | SessionEnded

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Participant:
    display_name: str
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """What the events made of it. Participants are those of the live session who are present."""

    created: bool = False
    webhook_url: str | None = None
    session_id: str | None = None
    participants: Mapping[str, Participant] = field(default_factory=lambda: MappingProxyType({}))

    def is_moderator(self, participant_id: str) -> bool:
        participant = self.participants.get(participant_id)
        return participant is not None and participant.role == "moderator"


def evolve(room: Room, event: RoomHappened) -> Room:
    match event:
        case RoomCreated():
            return replace(room, created=True, webhook_url=event.webhook_url)
        case SessionStarted():
            return replace(room, session_id=event.session_id)
        case ParticipantJoined():
            participant = Participant(event.display_name, event.role, event.at)
            return _with(room, {**room.participants, event.participant_id: participant})
        case ParticipantLeft():
            return _with(room, {k: v for k, v in room.participants.items() if k != event.participant_id})
        case SessionEnded():
            return replace(_with(room, {}), session_id=None)
        case _:
            assert_never(event)


def _with(room: Room, participants: dict[str, Participant]) -> Room:
    return replace(room, participants=MappingProxyType(participants))


# -------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class CreateRoom:
    room_id: str
    at: datetime
    custom_room_id: str | None = None
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class JoinRoom:
    room_id: str
    #: The id of the session that begins if none is live.
    new_session_id: str
    participant_id: str
    display_name: str
    role: Role
    at: datetime


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    room_id: str
    participant_id: str
    reason: LeaveReason
    at: datetime


RoomCommand = CreateRoom | JoinRoom | LeaveRoom

# ---------------------------------------------------------------------------------------------------------- decide


def decide(room: Room, command: RoomCommand) -> list[RoomHappened]:
    match command:
        case CreateRoom():
            return _create(room, command)
        case JoinRoom():
            return _join(room, command)
        case LeaveRoom():
            return _leave(room, command)
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
        )
    ]


def _join(room: Room, command: JoinRoom) -> list[RoomHappened]:
    if not room.created:
        raise RoomNotFoundError(command.room_id)
    if command.participant_id in room.participants:
        return []
    session_id = room.session_id or command.new_session_id
    joined = ParticipantJoined(
        at=command.at,
        room_id=command.room_id,
        session_id=session_id,
        participant_id=command.participant_id,
        display_name=command.display_name,
        role=command.role,
    )
    if room.session_id:
        return [joined]
    return [SessionStarted(at=command.at, room_id=command.room_id, session_id=session_id), joined]


def _leave(room: Room, command: LeaveRoom) -> list[RoomHappened]:
    if room.session_id is None or command.participant_id not in room.participants:
        return []
    left = ParticipantLeft(
        at=command.at,
        room_id=command.room_id,
        session_id=room.session_id,
        participant_id=command.participant_id,
        reason=command.reason,
    )
    if len(room.participants) > 1:
        return [left]
    return [left, SessionEnded(at=command.at, room_id=command.room_id, session_id=room.session_id)]


ROOM = Decider(Room(), evolve, decide)
