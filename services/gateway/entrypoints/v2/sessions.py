"""REST v2: sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from services.gateway.entrypoints.bearer import actor
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from services.gateway.entrypoints.v2.paging import Paging, Sought, paged
from services.gateway.entrypoints.v2.session_access import SessionAccess
from services.gateway.projections.sessions_read import Directory, WhichSessions
from services.gateway.rooms import Rooms
from shared.contracts.identifiers import RoomId, SessionId
from shared.runtime.http import Authorization

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Milliseconds since 1970, up to the year 9999.
_EpochMs = Annotated[int, Query(ge=0, le=253_370_764_800_000)]


class End(BaseModel):
    room_id: RoomId = Field(alias="roomId")
    session_id: Annotated[SessionId | None, EmptyIsAbsent] = Field(
        default=None, alias="sessionId", description="The live one if it is left out."
    )


def _which(
    room_id: Annotated[Sought | None, Query(alias="roomId")] = None,
    custom_room_id: Annotated[Sought | None, Query(alias="customRoomId")] = None,
    status: Annotated[Literal["ongoing", "ended"] | None, EmptyIsAbsent] = None,
    start_date: Annotated[
        _EpochMs | None, EmptyIsAbsent, Query(alias="startDate", description="Began then or later.")
    ] = None,
    end_date: Annotated[
        _EpochMs | None, EmptyIsAbsent, Query(alias="endDate", description="Began then or before.")
    ] = None,
    query: Annotated[Sought | None, Query(description="A part of an id, or of a participant's name.")] = None,
) -> WhichSessions:
    return WhichSessions(
        room_id=room_id or None,
        custom_room_id=custom_room_id or None,
        status=status,
        since=None if start_date is None else _EPOCH + timedelta(milliseconds=start_date),
        until=None if end_date is None else _EPOCH + timedelta(milliseconds=end_date),
        text=query or None,
    )


def sessions_router(rooms: Rooms, directory: Directory, access: SessionAccess) -> APIRouter:
    router = APIRouter(prefix="/sessions")

    @router.get("")
    async def list_sessions(
        request: Request,
        which: Annotated[WhichSessions, Depends(_which)],
        page: Paging,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """List sessions, the newest first."""
        identity = access.reader(authorization)
        if which.room_id is not None:
            identity.require_room(which.room_id)
        within = replace(which, room_id=which.room_id or identity.room_id)
        sessions, total = await directory.sessions(within, page.per_page, page.offset)
        everybody = await directory.everybody([each.session_id for each in sessions])
        return paged([access.written(each, everybody[each.session_id], request) for each in sessions], page, total)

    @router.post("/end")
    async def end_session(request: Request, body: End, authorization: Authorization = None) -> dict[str, Any]:
        """Have everybody leave."""
        identity = access.moderator(authorization)
        identity.require_room(body.room_id)
        session_id = await rooms.end_session(actor(identity), body.room_id, body.session_id)
        return await access.shown(session_id, identity, request)

    @router.get("/{session_id}")
    async def get_session(request: Request, session_id: Sought, authorization: Authorization = None) -> dict[str, Any]:
        return await access.shown(session_id, access.reader(authorization), request)

    return router
