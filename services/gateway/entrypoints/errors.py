"""From errors to HTTP answers, for every REST door: `{"message", "code", "statusCode"}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.entrypoints.body_limit import BodyLimit
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.freshness import ProjectionMissingError
from shared.messaging.errors import BusError
from shared.runtime.answers import install_common_refusals, refusal

#: Other refusals are 400.
_REFUSED = {
    "wrong_room_password": 401,
    "consent_required": 403,
    "insufficient_permissions": 403,
    "participant_not_allowed": 403,
    "file_not_found": 404,
    "invite_not_found": 404,
    "merge_not_found": 404,
    "not_recording": 404,
    "participant_not_found": 404,
    "recording_not_found": 404,
    "room_not_found": 404,
    "session_not_found": 404,
    "webhook_not_found": 404,
    "whip_session_not_found": 404,
    "already_merging": 409,
    "already_recording": 409,
    "merge_not_running": 409,
    "not_started": 409,
    "recording_running": 409,
    "ice_session_over": 412,
    "unsupported_media_type": 415,
    "invalid_invite_code": 422,
    "if_match_missing": 428,
    "too_many_attempts": 429,
    "lapsed": 503,
    "unavailable": 503,
}
#: Where REST v2, VideoSDK's API, answers otherwise.
_REFUSED_V2 = {"room_not_found": 400}

#: What the framework refuses before a door is reached.
_CODES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}


#: The framework says no more than that the body could not be parsed.
_UNREADABLE = "the body is no JSON in UTF-8, or is nested too deeply"


def install_error_answers(app: FastAPI) -> None:
    """Make every error of the gateway a JSON answer that says what to do."""
    app.add_middleware(BodyLimit)
    app.add_middleware(Failures)
    install_common_refusals(app)

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> JSONResponse:
        return refusal(_status(request, error.code), error.code, str(error))

    @app.exception_handler(StarletteHTTPException)
    async def unknown(request: Request, error: StarletteHTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "refused")
        what = _UNREADABLE if error.status_code == 400 else error.detail
        return refusal(error.status_code, code, f"{request.method} {request.url.path}: {what}")

    @app.exception_handler(ProjectionMissingError)
    @app.exception_handler(BusError)
    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return refusal(503, "unavailable", str(error))


class Failures:
    """Answers 500 to whatever nobody foresaw.

    As middleware: the framework's own handler answers outside of all others, where no page of another origin may read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answered(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if not began:
                await _failed(scope)(scope, receive, send)
            raise  # the server logs what it was, which is nobody else's business


def _failed(scope: Scope) -> JSONResponse:
    return refusal(500, "internal", f"{scope['method']} {scope['path']} failed: the gateway's log says why")


def _status(request: Request, code: str) -> int:
    statuses = {**_REFUSED, **_REFUSED_V2} if request.url.path.startswith("/v2/") else _REFUSED
    return statuses.get(code, 400)
