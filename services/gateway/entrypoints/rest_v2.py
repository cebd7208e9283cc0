"""REST v2: VideoSDK's server API. So far: making a room."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from services.gateway.handlers import Rooms
from shared.contracts.room import ConsentPolicy
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


class Webhook(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    end_point: HttpUrl = Field(alias="endPoint")


class NewRoom(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    custom_room_id: str | None = Field(default=None, alias="customRoomId", min_length=1, max_length=128)
    webhook: Webhook | None = None
    #: Whether a yes ends when the participant leaves and when the recording stops, or outlives both.
    consent_policy: ConsentPolicy = Field(default="clear", alias="consentPolicy")


class CreatedRoom(BaseModel):
    roomId: str  # noqa: N815  the wire's name
    customRoomId: str | None  # noqa: N815  the wire's name
    #: The room's own, which a later request with the same customRoomId does not change.
    consentPolicy: ConsentPolicy  # noqa: N815  the wire's name


def rest_v2_router(rooms: Rooms, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/v2")

    @router.post("/rooms")
    async def create_room(body: NewRoom | None = None, authorization: Authorization = None) -> CreatedRoom:
        """Create a room, or return the one with that customRoomId."""
        tokens.read(authorization).require_rest()
        asked = body or NewRoom()
        webhook_url = str(asked.webhook.end_point) if asked.webhook else None
        room_id = await rooms.create("server", asked.custom_room_id, webhook_url, asked.consent_policy)
        room = await rooms.room(room_id)
        return CreatedRoom(roomId=room_id, customRoomId=asked.custom_room_id, consentPolicy=room.consent_policy)

    return router
