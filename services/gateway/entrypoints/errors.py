"""From errors to HTTP answers, for every REST door: `{"message", "code", "statusCode"}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.errors import BusError
from shared.runtime.tokens import ForbiddenError, TokenError

_REFUSED = {
    "room_not_found": 404,
    "participant_not_found": 404,
    "insufficient_permissions": 403,
    "already_recording": 409,
}


def install_error_answers(app: FastAPI) -> None:
    """Make every error of the gateway a JSON answer that says what to do."""

    @app.exception_handler(TokenError)
    async def unauthorized(_: Request, error: TokenError) -> JSONResponse:
        return _answer(401, error.code, str(error))

    @app.exception_handler(ForbiddenError)
    async def forbidden(_: Request, error: ForbiddenError) -> JSONResponse:
        return _answer(403, error.code, str(error))

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> JSONResponse:
        return _answer(_REFUSED.get(error.code, 400), error.code, str(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return _answer(400, "invalid_request", f"{field}: {first['msg']}")

    @app.exception_handler(StarletteHTTPException)
    async def unknown(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return _answer(error.status_code, "not_found", f"{request.method} {request.url.path}: {error.detail}")

    @app.exception_handler(LogUnavailableError)
    @app.exception_handler(BusError)
    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return _answer(503, "unavailable", str(error))


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"message": message, "code": code, "statusCode": status}, status)
