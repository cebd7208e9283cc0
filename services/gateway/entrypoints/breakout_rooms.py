"""REST v1: breakout rooms. For moderators and servers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.entrypoints.bearer import actor, require_moderation
from services.gateway.rooms import Rooms
from shared.contracts.identifiers import RoomId
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens

#: No control characters, line separators or directions of writing: names are shown to people, also in the audit.
_SHOWN = "^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"


class NewBreakoutRoom(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_SHOWN)]


class BreakoutRoom(BaseModel):
    breakout_room: str = Field(description="To be named in `start` of the room it belongs to.")
    name: str


def breakout_rooms_router(rooms: Rooms, tokens: Tokens) -> APIRouter:
    router = APIRouter()

    @router.post("/rooms/{room_id}/breakout_rooms")
    async def open_breakout_room(
        room_id: RoomId, body: NewBreakoutRoom, authorization: Authorization = None
    ) -> BreakoutRoom:
        """Open a breakout room: a room of its own, with participants, consent and recordings of its own."""
        identity = tokens.read(authorization)
        require_moderation(identity, room_id)
        breakout_room = await rooms.open_breakout_room(actor(identity), room_id, body.name)
        return BreakoutRoom(breakout_room=breakout_room, name=body.name)

    return router
