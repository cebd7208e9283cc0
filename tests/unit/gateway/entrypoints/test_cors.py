"""Pages use REST from a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Response

from services.gateway.entrypoints.cors import allow_origins
from services.gateway.entrypoints.errors import install_error_answers
from shared.runtime.http import Authorization
from shared.runtime.tokens import TokenError

_PAGE = "https://meet.example"


@asynccontextmanager
async def door(origins: Sequence[str]) -> AsyncIterator[httpx.AsyncClient]:
    """A door that wants a token."""
    app = FastAPI()
    install_error_answers(app)
    allow_origins(app, origins)

    @app.post("/start")
    async def start(response: Response, authorization: Authorization = None) -> str:
        if authorization is None:
            raise TokenError("no token")
        response.headers["Recording-Id"] = "1"
        return "started"

    @app.post("/fault")
    async def fault() -> None:
        raise LookupError("a secret of the inside")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http


async def preflight(
    http: httpx.AsyncClient, origin: str = _PAGE, headers: str = "authorization,content-type"
) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return await http.options("/start", headers=asked)


@pytest.mark.parametrize("origins", [["*"], [_PAGE], ["http://localhost:3000", _PAGE]])
async def test_a_preflight_needs_no_token(origins: list[str]) -> None:
    async with door(origins) as http:
        answer = await preflight(http)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"] in {"*", _PAGE}) == (200, True)


@pytest.mark.parametrize("origins", [["*"], [_PAGE]])
async def test_a_page_reads_the_answer_and_the_recordings_id(origins: list[str]) -> None:
    async with door(origins) as http:
        answer = await http.post("/start", headers={"Origin": _PAGE, "Authorization": "token"})
    assert answer.headers["Access-Control-Allow-Origin"] == origins[0]
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    of_files, of_whip = (
        ["Content-Disposition", "Content-Range", "Recording-Id"],
        ["Accept-Patch", "ETag", "Link", "Location"],
    )
    assert sorted(exposed) == sorted([*of_files, *of_whip, "Retry-After"])


async def test_a_page_reads_errors_too() -> None:
    async with door(["*"]) as http:
        answer = await http.post("/start", headers={"Origin": _PAGE})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, "*")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_page_reads_that_something_failed_too() -> None:
    async with door(["*"]) as http:
        answer = await http.post("/fault", headers={"Origin": _PAGE})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (500, "*")
    assert answer.json() == {
        "message": "POST /fault failed: the gateway's log says why",
        "code": "internal",
        "statusCode": 500,
    }


async def test_the_browser_sends_nothing_by_itself() -> None:
    async with door(["*"]) as http:
        answer = await http.post("/start", headers={"Origin": _PAGE, "Authorization": "token"})
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_other_origins_are_not_let_in_when_some_are_named() -> None:
    async with door([_PAGE]) as http:
        assert (await preflight(http, "https://elsewhere.example")).status_code == 400
        answer = await http.post("/start", headers={"Origin": "https://elsewhere.example", "Authorization": "token"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_other_headers_are_not_let_in() -> None:
    async with door(["*"]) as http:
        assert (await preflight(http, headers="x-anything")).status_code == 400


async def test_who_is_no_browser_notices_nothing() -> None:
    async with door(["*"]) as http:
        answer = await http.post("/start", headers={"Authorization": "token"})
    assert (answer.json(), "Access-Control-Allow-Origin" in answer.headers) == ("started", False)
