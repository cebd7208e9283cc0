"""Letting people in: which room they enter, as whom, and what they are given for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from services.gateway.adapters.codes import digest_of
from services.gateway.adapters.resumptions import Resumptions
from services.gateway.adapters.tickets import Admission, Tickets
from services.gateway.domain.room import require_active, require_allowed
from services.gateway.rooms import Rooms
from shared.contracts.room import Role
from shared.eventsourcing.decider import RefusedError


class NoBreakoutRoomsError(RefusedError):
    """The room has none."""

    code = "no_breakout_rooms"

    def __init__(self, room_id: str) -> None:
        super().__init__(f"room {room_id} has no breakout rooms: leave breakout_room out")
        self.room_id = room_id


class InvalidBreakoutRoomIdError(RefusedError):
    """The room has breakout rooms, but not this one."""

    code = "invalid_breakout_room_id"

    def __init__(self, room_id: str, breakout_room: str) -> None:
        super().__init__(f"room {room_id} has no breakout room {breakout_room}")
        self.room_id = room_id
        self.breakout_room = breakout_room


class SessionRunningError(RefusedError):
    """The participant whose resumption it is is in the room."""

    code = "session_running"

    def __init__(self, participant_id: str) -> None:
        super().__init__(
            f"participant {participant_id} is still in the room: try again when their other connection has ended"
        )
        self.participant_id = participant_id


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody asks for at the door."""

    room_id: str
    role: Role
    #: Whom their token names. They may come in twice: the second connection replaces the first.
    participant_id: str | None = None
    breakout_room: str | None = None
    resumption: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """What they are given: the way in, and the way back."""

    ticket: str
    resumption: str


class Admissions:
    """Decides at the door."""

    def __init__(self, rooms: Rooms, tickets: Tickets, resumptions: Resumptions) -> None:
        self._rooms = rooms
        self._tickets = tickets
        self._resumptions = resumptions

    async def admit(self, entry: Entry) -> Admitted:
        """Raise RefusedError, LogUnavailableError, or let them in."""
        room_id = await self._entered(entry)
        participant_id = entry.participant_id or await self._resumed(room_id, entry.resumption) or str(uuid4())
        require_allowed(await self._rooms.room(room_id), room_id, participant_id)
        resumption = await self._resumptions.issue(room_id, participant_id)
        admission = Admission(room_id, participant_id, entry.role, digest_of(resumption))
        return Admitted(await self._tickets.issue(admission), resumption)

    async def _entered(self, entry: Entry) -> str:
        room = await self._rooms.room(entry.room_id)
        require_active(room, entry.room_id)
        if entry.breakout_room is None:
            return entry.room_id
        if not room.breakout_rooms:
            raise NoBreakoutRoomsError(entry.room_id)
        breakout_room = _written_as_we_do(entry.breakout_room)
        if breakout_room not in room.breakout_rooms:
            raise InvalidBreakoutRoomIdError(entry.room_id, entry.breakout_room)
        return breakout_room

    async def _resumed(self, room_id: str, resumption: str | None) -> str | None:
        """Return who comes back. One that is not good is as none: they come in as somebody new."""
        if not resumption:
            return None
        holder = await self._resumptions.holder(resumption, room_id)
        # Before it is redeemed: who is refused needs it again in a moment.
        if holder and holder in (await self._rooms.room(room_id)).participants:
            raise SessionRunningError(holder)
        return await self._resumptions.redeem(resumption, room_id)


def _written_as_we_do(uuid: str) -> str:
    try:
        return str(UUID(uuid))
    except ValueError:
        return uuid
