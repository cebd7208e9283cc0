"""REST v2: rooms."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.gateway.domain.room import require_active
from services.gateway.domain.room_errors import RoomNotFoundError
from services.gateway.entrypoints.bearer import (
    actor,
    require_any_participant,
    require_moderation,
    require_moderator,
)
from services.gateway.entrypoints.public_url import url_of
from services.gateway.entrypoints.v2.paging import Paging, Sought, paged
from services.gateway.entrypoints.v2.room_shape import NewRoom, room_object, without_arrangements
from services.gateway.projections.sessions_read import Directory, ListedRoom
from services.gateway.rooms import Rooms
from shared.contracts.identifiers import RoomId
from shared.runtime.http import Authorization
from shared.runtime.tokens import ForbiddenError, Identity, Tokens


class WhichRoom(BaseModel):
    room_id: RoomId = Field(alias="roomId", description="The room's own id: no custom one.")


def rooms_router(rooms: Rooms, directory: Directory, tokens: Tokens, public_url: str | None) -> APIRouter:
    router = APIRouter(prefix="/rooms")

    def shown(room: ListedRoom, identity: Identity, request: Request) -> dict[str, Any]:
        written = room_object(room, identity.api_key, url_of(request, public_url))
        return written if _arranges(identity) else without_arrangements(written)

    async def found(name: str, identity: Identity) -> ListedRoom:
        room = await directory.room(name)
        if room is None:
            raise RoomNotFoundError(name)
        identity.require_room(room.room_id)
        return room

    async def as_it_is(room_id: str) -> ListedRoom:
        return ListedRoom.of(room_id, await rooms.room(room_id))

    @router.post("")
    async def create_room(
        request: Request, body: NewRoom | None = None, authorization: Authorization = None
    ) -> dict[str, Any]:
        """Create a room, or return the one with that customRoomId, as it was created first.

        With nothing but a customRoomId, whoever may join creates one; all else is for moderators and servers.
        """
        identity = tokens.read(authorization)
        identity.require_rest()
        asked = body or NewRoom()
        _require_making(identity, asked)
        room_id = await rooms.create(actor(identity), asked.custom_room_id, asked.settings())
        return shown(await as_it_is(room_id), identity, request)

    @router.get("")
    async def list_rooms(
        request: Request,
        page: Paging,
        query: Annotated[Sought | None, Query(description="A roomId or customRoomId.")] = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """List rooms, the newest first."""
        identity = tokens.read(authorization)
        identity.require_rest()
        require_any_participant(identity)
        listed, total = await directory.rooms(page.per_page, page.offset, only=identity.room_id, name=query or None)
        return paged([shown(room, identity, request) for room in listed], page, total)

    @router.post("/deactivate")
    async def deactivate_room(request: Request, body: WhichRoom, authorization: Authorization = None) -> dict[str, Any]:
        """Let nobody in any more. A session that is live goes on."""
        identity = tokens.read(authorization)
        identity.require_rest()
        require_any_participant(identity)
        require_moderation(identity, body.room_id)
        await rooms.deactivate(actor(identity), body.room_id)
        return shown(await as_it_is(body.room_id), identity, request)

    @router.get("/validate/{name}")
    @router.post("/validate/{name}", include_in_schema=False)
    async def validate_room(request: Request, name: Sought, authorization: Authorization = None) -> dict[str, Any]:
        """Return the room if it can be joined. Participants are not shown what its server arranged."""
        identity = tokens.read(authorization)
        identity.require_rest()
        room = await found(name, identity)
        require_active(await rooms.room(room.room_id), room.room_id)
        return shown(room, identity, request)

    @router.get("/{name}")
    async def get_room(request: Request, name: Sought, authorization: Authorization = None) -> dict[str, Any]:
        """Return the room with that roomId, customRoomId or id. Participants are not shown what its server arranged."""
        identity = tokens.read(authorization)
        identity.require_rest()
        return shown(await found(name, identity), identity, request)

    return router


def _require_making(identity: Identity, asked: NewRoom) -> None:
    require_any_participant(identity)
    if identity.room_id is not None:
        raise ForbiddenError(f"this token is for room {identity.room_id} only: it creates none")
    if asked.is_arranged:
        require_moderator(identity)
    if identity.role == "guest" and not identity.moderates:
        raise ForbiddenError("this token creates no rooms: it lacks the permission allow_join")


def _arranges(identity: Identity) -> bool:
    """Tell whether the bearer may say how rooms are, and so see it."""
    return identity.moderates and identity.participant_id is None
