"""What doors ask of a token's bearer beyond the token's own."""

from __future__ import annotations

from services.gateway.domain.room import RoomNotFoundError
from services.gateway.handlers import Rooms, participant
from shared.runtime.tokens import ForbiddenError, Identity


def require_moderation(identity: Identity, room_id: str) -> None:
    """Raise ForbiddenError unless the bearer moderates the room, or is a server."""
    identity.require_room(room_id)
    if identity.role != "moderator" and "crawler" not in identity.roles:
        raise ForbiddenError("this token does not moderate: it lacks the permission allow_mod, and the role crawler")


def actor(identity: Identity) -> str:
    """Return the bearer as the actor that the log names."""
    return participant(identity.participant_id) if identity.participant_id else "server"


async def require_room_or_parent(identity: Identity, room_id: str, rooms: Rooms) -> None:
    """Raise ForbiddenError when the token is bound to another room, and the room is no breakout room of that one."""
    if identity.room_id not in {None, room_id} and await _parent(room_id, rooms) != identity.room_id:
        identity.require_room(room_id)


async def _parent(room_id: str, rooms: Rooms) -> str | None:
    try:
        return (await rooms.room(room_id)).parent_room_id
    except RoomNotFoundError:
        return None
