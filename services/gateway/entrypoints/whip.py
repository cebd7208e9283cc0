"""REST v1: a participant's media from a browser, by WHIP (RFC 9725)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from services.gateway.adapters.resumptions import Resumptions
from services.gateway.entrypoints.bearer import require_room_or_parent
from services.gateway.entrypoints.examples.whip import ANSWER, CANDIDATES, OFFER, RESTARTED
from services.gateway.entrypoints.public_url import url_of
from services.gateway.ice_servers import IceServers
from services.gateway.rooms import Rooms
from services.gateway.whip_sessions import WhipSession, WhipSessions
from shared.contracts.identifiers import RoomId
from shared.contracts.whip_session import WhipSessionId, WorkerId
from shared.eventsourcing.decider import RefusedError
from shared.runtime.http import Authorization
from shared.runtime.tokens import ForbiddenError, Tokens, bare_token

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"
#: A strong entity tag (RFC 9110 section 8.8.3).
_ETAG = re.compile(r'"([\x21\x23-\x7e]{1,256})"')
_ANY = "*"
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=512)]


class WhipRequestError(RefusedError):
    """The request is none of WHIP's."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class SdpResponse(Response):
    media_type = _SDP


def _takes(media_type: str, example: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _content(media_type, example)}}


def _gives(what: str, media_type: str, example: str) -> dict[str, Any]:
    return {"description": what, "content": _content(media_type, example)}


def _content(media_type: str, example: str) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string"}, "example": example}}


def whip_router(
    rooms: Rooms,
    sessions: WhipSessions,
    tokens: Tokens,
    resumptions: Resumptions,
    servers: IceServers,
    public_url: str | None,
) -> APIRouter:
    router = APIRouter(prefix="/whip")

    async def bearer(authorization: str | None, room_id: str) -> str:
        """Return the participant: whom a token names, or whose resumption of the room it is."""
        token = bare_token(authorization)
        holder = await resumptions.holder(token, room_id) if token and "." not in token else None
        if holder:
            return holder
        identity = tokens.read(authorization)
        await require_room_or_parent(identity, room_id, rooms)
        identity.require_join(identity.room_id or room_id)
        if identity.participant_id is None:
            raise ForbiddenError("this token names no participant: send one with a participantId, or a resumption")
        return identity.participant_id

    @router.post(
        "/{room_id}",
        status_code=201,
        response_class=SdpResponse,
        responses={201: _gives("What is received, and where", _SDP, ANSWER)},
        openapi_extra=_takes(_SDP, OFFER),
    )
    async def publish(room_id: RoomId, request: Request, authorization: Authorization = None) -> Response:
        """Receive what a participant who is in the room sends: answer their offer, and say where the session is.

        The bearer is a token that names the participant, or their resumption.
        """
        participant_id = await bearer(authorization, room_id)
        opened = await sessions.open(room_id, participant_id, await _text(request, _SDP))
        headers = {
            "Location": f"{url_of(request, public_url)}/v1/whip/{room_id}/{opened.worker_id}/{opened.whip_session_id}",
            "ETag": f'"{opened.ice}"',
            "Accept-Patch": _FRAGMENT,
        }
        response = SdpResponse(opened.answer, 201, headers)
        _link(response, servers, participant_id)
        return response

    @router.options("/{room_id}", status_code=204, response_class=Response)
    async def about(room_id: RoomId, authorization: Authorization = None) -> Response:
        """Say what can be posted; to who may, which STUN and TURN servers there are."""
        response = Response(status_code=204, headers={"Accept-Post": _SDP, "Allow": "OPTIONS, POST"})
        if authorization:
            _link(response, servers, await bearer(authorization, room_id))
        return response

    @router.patch(
        "/{room_id}/{worker_id}/{whip_session_id}",
        status_code=204,
        response_class=Response,
        responses={200: _gives("ICE is restarted", _FRAGMENT, RESTARTED)},
        openapi_extra=_takes(_FRAGMENT, CANDIDATES),
    )
    async def patch(
        room_id: RoomId,
        worker_id: WorkerId,
        whip_session_id: WhipSessionId,
        request: Request,
        authorization: Authorization = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Take the client's candidates, or restart ICE."""
        session = WhipSession(room_id, await bearer(authorization, room_id), worker_id, whip_session_id)
        ice = _ice(if_match)
        patched = await sessions.patch(session, await _text(request, _FRAGMENT), ice)
        if patched.fragment is None:
            return Response(status_code=204)
        return Response(patched.fragment, 200, {"ETag": f'"{patched.ice}"'}, _FRAGMENT)

    @router.delete("/{room_id}/{worker_id}/{whip_session_id}", response_class=Response)
    async def end(
        room_id: RoomId, worker_id: WorkerId, whip_session_id: WhipSessionId, authorization: Authorization = None
    ) -> Response:
        """End the session."""
        await sessions.close(WhipSession(room_id, await bearer(authorization, room_id), worker_id, whip_session_id))
        return Response(status_code=200)

    return router


async def _text(request: Request, media_type: str) -> str:
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != media_type:
        raise WhipRequestError("unsupported_media_type", f"send Content-Type: {media_type}, not {said or 'none'}")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise WhipRequestError("invalid_request", "the body is not UTF-8") from None


def _ice(if_match: str | None) -> str | None:
    """Return the ICE session that is meant; None: any."""
    if if_match is None:
        raise WhipRequestError("if_match_missing", "say which ICE session is meant: If-Match with the ETag, or *")
    if if_match.strip() == _ANY:
        return None
    if found := _ETAG.fullmatch(if_match.strip()):
        return found[1]
    raise WhipRequestError("invalid_request", "If-Match is neither an entity tag in quotes nor *")


def _link(response: Response, servers: IceServers, participant_id: str) -> None:
    for value in servers.links(participant_id):
        response.headers.append("Link", value)
