"""What is decided against in a room.

RefusedError
├── RoomNotFoundError              there is no such room
├── RoomDeactivatedError           nobody may join it any more
├── ParticipantNotAllowedError     it names who may join, and not them
├── SessionNotFoundError           no such session is live
├── UnknownSessionError            there was never such a session
├── NotInRoomError                 the participant is not in the live session
├── InsufficientPermissionsError   only a moderator may
├── TargetIsRoomOwnerError         who came as a moderator stays one
└── NothingToDoError               it is so already
"""

from __future__ import annotations

from shared.contracts.room import Role
from shared.eventsourcing.decider import RefusedError


class RoomNotFoundError(RefusedError):
    """There is no such room."""

    code = "room_not_found"

    def __init__(self, room_id: str) -> None:
        super().__init__(f"Room not found: {room_id}. Create it with POST /v2/rooms.")
        self.room_id = room_id


class RoomDeactivatedError(RefusedError):
    """Nobody may join the room any more."""

    code = "room_deactivated"

    def __init__(self, room_id: str) -> None:
        super().__init__(f"room {room_id} is deactivated: nobody joins it any more. Create another with POST /v2/rooms")
        self.room_id = room_id


class ParticipantNotAllowedError(RefusedError):
    """The room names those who may join, and the participant is none of them."""

    code = "participant_not_allowed"

    def __init__(self, room_id: str, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is none of the allowedParticipantIds of room {room_id}")
        self.room_id = room_id
        self.participant_id = participant_id


class SessionNotFoundError(RefusedError):
    """The room has no live session, or another one."""

    code = "session_not_found"

    def __init__(self, room_id: str, session_id: str | None = None) -> None:
        which = f"live session {session_id}" if session_id else "live session: let somebody join first"
        super().__init__(f"room {room_id} has no {which}")
        self.room_id = room_id
        self.session_id = session_id


class UnknownSessionError(RefusedError):
    """There is no such session, live or over."""

    code = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"there is no session {session_id}: GET /v2/sessions lists them")
        self.session_id = session_id


class NotInRoomError(RefusedError):
    """The participant is not in the room's live session."""

    code = "participant_not_found"

    def __init__(self, room_id: str, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is not in room {room_id}: let them join first")
        self.room_id = room_id
        self.participant_id = participant_id


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
