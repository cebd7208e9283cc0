"""REST v2: who is and was in a session."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator

from services.gateway.entrypoints.bearer import actor
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from services.gateway.entrypoints.v2.paging import Paging, Sought, paged
from services.gateway.entrypoints.v2.session_access import SessionAccess, UnknownParticipantError
from services.gateway.entrypoints.v2.session_shape import participant_object
from services.gateway.projections.sessions_read import Directory
from services.gateway.rooms import Rooms
from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.runtime.http import Authorization


class Remove(BaseModel):
    """One of room and session is enough."""

    participant_id: ParticipantId = Field(alias="participantId")
    room_id: Annotated[RoomId | None, EmptyIsAbsent] = Field(default=None, alias="roomId")
    session_id: Annotated[SessionId | None, EmptyIsAbsent] = Field(default=None, alias="sessionId")

    @model_validator(mode="after")
    def _names_where(self) -> Remove:
        if self.room_id is None and self.session_id is None:
            raise ValueError("name roomId or sessionId")
        return self


def session_participants_router(rooms: Rooms, directory: Directory, access: SessionAccess) -> APIRouter:
    router = APIRouter(prefix="/sessions")

    @router.post("/participants/remove")
    async def remove_participant(request: Request, body: Remove, authorization: Authorization = None) -> dict[str, Any]:
        """Have a participant leave. They may join again, unless the room says otherwise."""
        identity = access.moderator(authorization, body.participant_id)
        room_id = body.room_id or (await access.found(body.session_id or "", identity)).room_id
        identity.require_room(room_id)
        session_id = await rooms.remove(actor(identity), room_id, body.participant_id, body.session_id)
        return await access.shown(session_id, identity, request)

    @router.get("/{session_id}/participants")
    async def list_participants(
        request: Request, session_id: Sought, page: Paging, authorization: Authorization = None
    ) -> dict[str, Any]:
        """List who was in a session. Unlike elsewhere, `data` is one object: the session."""
        session = await access.found(session_id, access.reader(authorization))
        people, total = await directory.participants(session_id, page.per_page, page.offset)
        data = access.written(session, people, request)
        return {"pageInfo": page.info(total), "data": data}

    @router.get("/{session_id}/participants/active")
    async def list_active_participants(
        request: Request, session_id: Sought, page: Paging, authorization: Authorization = None
    ) -> dict[str, Any]:
        """List who is in a session now. `data` is an array with one object: the session."""
        session = await access.found(session_id, access.reader(authorization))
        people, total = await directory.participants(session_id, page.per_page, page.offset, present=True)
        return paged([access.written(session, people, request)], page, total)

    @router.get("/{session_id}/participants/{participant_id}")
    async def get_participant(
        session_id: Sought, participant_id: Sought, authorization: Authorization = None
    ) -> dict[str, Any]:
        await access.found(session_id, access.reader(authorization, participant_id))
        participant = await directory.participant(session_id, participant_id)
        if participant is None:
            raise UnknownParticipantError(session_id, participant_id)
        return participant_object(participant)

    return router
