"""The signaling WebSocket: `GET /signaling` with a ticket among its sub-protocols."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse

from services.gateway.adapters.tickets import LENGTH, Tickets
from services.gateway.signaling.connection import Connection, Signaling
from services.gateway.signaling.envelope import PROTOCOLS, find_ticket, select_protocol
from shared.eventsourcing.errors import LogUnavailableError

_DENIALS = {
    "missing_protocol": f"offer {PROTOCOLS[0]} as a WebSocket sub-protocol",
    "missing_ticket": "offer ticket#<ticket> as a WebSocket sub-protocol; POST /v1/rooms/{id}/start gives one",
    "invalid_ticket": "the ticket is unknown, used or older than 30 s: ask for a new one",
    "unavailable": "the database does not answer: try again",
}


def signaling_router(signaling: Signaling, tickets: Tickets) -> APIRouter:
    router = APIRouter()

    @router.websocket("/signaling")
    async def connect(websocket: WebSocket) -> None:
        offered = websocket.scope["subprotocols"]
        chosen = select_protocol(offered)
        if chosen is None:
            return await _deny(websocket, 400, "missing_protocol")
        ticket = find_ticket(offered)
        if ticket is None:
            return await _deny(websocket, 401, "missing_ticket")
        try:
            admission = await tickets.redeem(ticket) if len(ticket) == LENGTH else None
        except LogUnavailableError:
            return await _deny(websocket, 503, "unavailable")
        if admission is None:
            return await _deny(websocket, 401, "invalid_ticket")
        await websocket.accept(subprotocol=chosen)
        return await Connection(signaling, websocket, admission).serve()

    return router


async def _deny(websocket: WebSocket, status: int, code: str) -> None:
    await websocket.send_denial_response(JSONResponse({"code": code, "message": _DENIALS[code]}, status))
