"""What doors ask of a token's bearer beyond the token's own."""

from __future__ import annotations

from services.gateway.domain.room_errors import RoomNotFoundError
from services.gateway.rooms import Rooms
from shared.contracts import actors
from shared.runtime.tokens import ForbiddenError, Identity


def require_moderation(identity: Identity, room_id: str) -> None:
    """Raise ForbiddenError unless the bearer moderates the room, or is a server."""
    identity.require_room(room_id)
    require_moderator(identity)


def require_moderator(identity: Identity) -> None:
    """Raise ForbiddenError unless the bearer moderates, or is a server; for ids whose room is yet to be found."""
    if not identity.moderates:
        raise ForbiddenError("this token does not moderate: it lacks the permission allow_mod, and the role crawler")


def require_any_participant(identity: Identity) -> None:
    """Raise ForbiddenError when the token is bound to a participant: what is asked is about several."""
    if identity.participant_id is not None:
        raise ForbiddenError(f"this token is for participant {identity.participant_id} alone: this is about several")


def actor(identity: Identity) -> str:
    """Return the bearer as the actor that the log names: a participant, or else the server with that API key."""
    named = identity.participant_id
    return actors.participant(named) if named else actors.server(identity.api_key)


async def require_room_or_parent(identity: Identity, room_id: str, rooms: Rooms) -> None:
    """Raise ForbiddenError when the token is bound to another room, and the room is no breakout room of that one."""
    if identity.room_id not in {None, room_id} and await _parent(room_id, rooms) != identity.room_id:
        identity.require_room(room_id)


async def _parent(room_id: str, rooms: Rooms) -> str | None:
    try:
        return (await rooms.room(room_id)).parent_room_id
    except RoomNotFoundError:
        return None
