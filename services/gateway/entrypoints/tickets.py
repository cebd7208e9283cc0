"""REST v1: tickets for the signaling WebSocket, for bearers of a token and for guests with an invite."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.adapters.invites import Invites
from services.gateway.admissions import Admissions, Entry
from shared.contracts.identifiers import RoomId
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens

#: Longer than any of them. The bound also keeps out text that cannot be encoded.
_Text = Annotated[str, StringConstraints(max_length=1024)]
_BreakoutRoom = Annotated[_Text | None, Field(description="Enter this breakout room of the room.")]
_Resumption = Annotated[
    _Text | None, Field(description="Of an earlier ticket to this room: come back as the same participant.")
]


class Start(BaseModel):
    """How to come in. The token is enough; a resumption of this room gives back the same participant id."""

    breakout_room: _BreakoutRoom = None
    resumption: _Resumption = None
    invite_code: _Text | None = Field(
        default=None, description="Taken, and not needed: the token says who may come in."
    )
    password: _Text | None = Field(default=None, description="Taken, and not needed.")


class StartInvited(BaseModel):
    """How a guest comes in."""

    invite_code: _Text
    password: _Text | None = Field(default=None, description="Needed where the invite has one.")
    breakout_room: _BreakoutRoom = None
    resumption: _Resumption = None


class Ticket(BaseModel):
    ticket: str = Field(description="Opens the signaling WebSocket once, within 30 s.")
    resumption: str = Field(description="For the next start, up to 120 s after the connection was lost.")


def tickets_router(admissions: Admissions, invites: Invites, tokens: Tokens) -> APIRouter:
    router = APIRouter()

    @router.post("/rooms/{room_id}/start")
    async def start(room_id: RoomId, body: Start | None = None, authorization: Authorization = None) -> Ticket:
        """Give a ticket that opens the signaling WebSocket once, within 30 s."""
        identity = tokens.read(authorization)
        identity.require_join(room_id)
        asked = body or Start()
        entry = Entry(room_id, identity.role, identity.participant_id, asked.breakout_room, asked.resumption)
        return await _admit(admissions, entry)

    @router.post("/rooms/{room_id}/start_invited")
    async def start_invited(room_id: RoomId, body: StartInvited) -> Ticket:
        """Give a guest's ticket for an invite. Needs no token."""
        # Before the room is looked for: whoever has no invite is told nothing about rooms.
        await invites.require(room_id, body.invite_code, body.password)
        entry = Entry(room_id, "guest", breakout_room=body.breakout_room, resumption=body.resumption)
        return await _admit(admissions, entry)

    return router


async def _admit(admissions: Admissions, entry: Entry) -> Ticket:
    admitted = await admissions.admit(entry)
    return Ticket(ticket=admitted.ticket, resumption=admitted.resumption)
