"""Answers to requests that come to nothing: `{"message", "code", "statusCode"}`, at every HTTP door."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shared.eventsourcing.errors import LogUnavailableError
from shared.runtime.tokens import ForbiddenError, TokenError


def refusal(status: int, code: str, message: str) -> JSONResponse:
    """Return an answer that says what is wrong: the code to programs, the message to people."""
    return JSONResponse({"message": message, "code": code, "statusCode": status}, status)


def install_common_refusals(app: FastAPI) -> None:
    """Answer what may come of any request that needs a token and the log."""

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return refusal(400, "invalid_request", f"{field}: {first['msg']}")

    @app.exception_handler(TokenError)
    async def unauthorized(_: Request, error: TokenError) -> JSONResponse:
        answer = refusal(401, error.code, str(error))
        answer.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 11.6.1: no 401 without it
        return answer

    @app.exception_handler(ForbiddenError)
    async def forbidden(_: Request, error: ForbiddenError) -> JSONResponse:
        return refusal(403, error.code, str(error))

    @app.exception_handler(LogUnavailableError)
    async def unavailable(_: Request, error: LogUnavailableError) -> JSONResponse:
        return refusal(503, "unavailable", str(error))
