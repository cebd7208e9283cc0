"""From errors to HTTP answers, for every REST door: `{"message", "code", "statusCode"}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from services.gateway.entrypoints.body_limit import BodyLimit
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.freshness import ProjectionMissingError
from shared.messaging.errors import BusError
from shared.runtime.tokens import ForbiddenError, TokenError

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
    "already_merging": 409,
    "already_recording": 409,
    "merge_not_running": 409,
    "not_started": 409,
    "recording_running": 409,
    "invalid_invite_code": 422,
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

    @app.exception_handler(TokenError)
    async def unauthorized(_: Request, error: TokenError) -> JSONResponse:
        answer = _answer(401, error.code, str(error))
        answer.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 11.6.1: no 401 without it
        return answer

    @app.exception_handler(ForbiddenError)
    async def forbidden(_: Request, error: ForbiddenError) -> JSONResponse:
        return _answer(403, error.code, str(error))

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> JSONResponse:
        return _answer(_status(request, error.code), error.code, str(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return _answer(400, "invalid_request", f"{field}: {first['msg']}")

    @app.exception_handler(StarletteHTTPException)
    async def unknown(request: Request, error: StarletteHTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "refused")
        what = _UNREADABLE if error.status_code == 400 else error.detail
        return _answer(error.status_code, code, f"{request.method} {request.url.path}: {what}")

    @app.exception_handler(ProjectionMissingError)
    @app.exception_handler(LogUnavailableError)
    @app.exception_handler(BusError)
    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return _answer(503, "unavailable", str(error))

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> JSONResponse:
        # What it was is logged by the server, and nobody else's business.
        return _answer(500, "internal", f"{request.method} {request.url.path} failed: the gateway's log says why")


def _status(request: Request, code: str) -> int:
    statuses = {**_REFUSED, **_REFUSED_V2} if request.url.path.startswith("/v2/") else _REFUSED
    return statuses.get(code, 400)


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"message": message, "code": code, "statusCode": status}, status)
