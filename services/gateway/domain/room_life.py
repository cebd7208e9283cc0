"""What became of a room: its events, and the state they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from shared.contracts.room import (
    BreakoutRoomOpened,
    ConsentPolicy,
    HandLowered,
    HandRaised,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    RoomCreated,
    RoomDeactivated,
    SessionEnded,
    SessionStarted,
    WithdrawalPolicy,
)
from shared.contracts.room_settings import Attestation, AutoClose, MediaSource

# ------------------------------------------------------- events: the stored format, defined in shared/contracts/room

RoomHappened = (
    RoomCreated
    | RoomDeactivated
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
class RoomSettings:
    """What a room is made with, as `RoomCreated` says it, and has for ever."""

    webhook_url: str | None = None
    webhook_events: tuple[str, ...] = ()
    consent_policy: ConsentPolicy = "clear"
    withdrawal_policy: WithdrawalPolicy = "keep"
    auto_close: AutoClose | None = None
    allowed_participant_ids: tuple[str, ...] | None = None
    attestation: Attestation | None = None
    media: MediaSource | None = None
    storage_prefix: str = ""


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


#: So many of those who left a session are remembered, those who left last.
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Room:
    """What the events made of it. Participants are those of the live session who are present."""

    #: None: it was not.
    created_at: datetime | None = None
    deactivated_at: datetime | None = None
    custom_room_id: str | None = None
    settings: RoomSettings = RoomSettings()
    parent_room_id: str | None = None
    breakout_rooms: frozenset[str] = frozenset()
    session_id: str | None = None
    participants: Mapping[str, Participant] = field(default_factory=lambda: MappingProxyType({}))
    #: When participants left the live session for the last time, also of those who are back.
    left: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    #: Those who are not remembered had left by then.
    others_left_by: datetime | None = None

    @property
    def created(self) -> bool:
        return self.created_at is not None

    def is_moderator(self, participant_id: str) -> bool:
        participant = self.participants.get(participant_id)
        return participant is not None and participant.role == "moderator"

    def left_by(self, participant_id: str) -> datetime | None:
        """Return by when the participant had last left the live session: the moment itself, if it is known."""
        participant, known = self.participants.get(participant_id), self.left.get(participant_id)
        if known or participant is None or self.others_left_by is None:
            return known or self.others_left_by
        return min(self.others_left_by, participant.joined_at)


def evolve(room: Room, event: RoomHappened) -> Room:  # noqa: C901, PLR0911  one case for each event
    match event:
        case RoomCreated():
            return _made(room, event)
        case RoomDeactivated():
            return replace(room, deactivated_at=event.at)
        case BreakoutRoomOpened():
            return replace(room, breakout_rooms=room.breakout_rooms | {event.breakout_room_id})
        case SessionStarted():
            return replace(room, session_id=event.session_id, left=MappingProxyType({}), others_left_by=None)
        case ParticipantJoined():
            return _with(room, event.participant_id, _came(event))
        case ParticipantLeft():
            return _remembering(_with(room, event.participant_id, None), event)
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


def _made(room: Room, event: RoomCreated) -> Room:
    return replace(
        room,
        created_at=event.at,
        custom_room_id=event.custom_room_id,
        settings=settings_of(event),
        parent_room_id=event.parent_room_id,
    )


def settings_of(event: RoomCreated) -> RoomSettings:
    return RoomSettings(**{each.name: getattr(event, each.name) for each in fields(RoomSettings)})


def _came(event: ParticipantJoined) -> Participant:
    return Participant(event.display_name, event.role, event.role, event.at, event.gateway_id, event.connection_id)


def _remembering(room: Room, event: ParticipantLeft) -> Room:
    others = {known: at for known, at in room.left.items() if known != event.participant_id}
    left, by = {**others, event.participant_id: event.at}, room.others_left_by
    if len(left) > _REMEMBERED:
        forgotten = left.pop(next(iter(left)))
        by = max(by or forgotten, forgotten)
    return replace(room, left=MappingProxyType(left), others_left_by=by)


def _with(room: Room, participant_id: str, participant: Participant | None) -> Room:
    others = {known: each for known, each in room.participants.items() if known != participant_id}
    return replace(
        room, participants=MappingProxyType({**others, participant_id: participant} if participant else others)
    )
