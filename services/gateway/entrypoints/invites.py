"""REST v1: invites, by which guests come in without a token. For moderators and servers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field

from services.gateway.adapters.invites import Invites
from services.gateway.entrypoints.bearer import require_moderation
from services.gateway.rooms import Rooms
from shared.contracts.identifiers import RoomId
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


def _moment(said: object) -> datetime | None:
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said.upper()) if isinstance(said, str) else None
        if moment and moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("write a moment as RFC 3339 does, with its offset: 2030-05-17T12:00:00Z")


class NewInvite(BaseModel):
    password: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="Guests are asked for it."
    )
    expiration: Annotated[datetime | None, BeforeValidator(_moment)] = Field(
        default=None,
        description="Until when the invite is good, as RFC 3339 writes it. Without one it is good until it is revoked.",
    )


class Invite(BaseModel):
    invite_code: str = Field(description="Is shown this once: only its digest is kept.")
    room_id: str
    password_required: bool
    expiration: datetime | None


def invites_router(rooms: Rooms, invites: Invites, tokens: Tokens) -> APIRouter:
    router = APIRouter()

    @router.post("/rooms/{room_id}/invites")
    async def create_invite(
        room_id: RoomId, body: NewInvite | None = None, authorization: Authorization = None
    ) -> Invite:
        """Make an invite to the room."""
        require_moderation(tokens.read(authorization), room_id)
        await rooms.room(room_id)
        asked = body or NewInvite()
        code = await invites.create(room_id, asked.password, asked.expiration)
        return Invite(
            invite_code=code,
            room_id=room_id,
            password_required=asked.password is not None,
            expiration=asked.expiration,
        )

    @router.delete("/rooms/{room_id}/invites/{invite_code}", status_code=204)
    async def revoke_invite(room_id: RoomId, invite_code: str, authorization: Authorization = None) -> None:
        """Let nobody in by the invite any more. Guests who are in the room stay."""
        require_moderation(tokens.read(authorization), room_id)
        await invites.revoke(room_id, invite_code)

    return router
