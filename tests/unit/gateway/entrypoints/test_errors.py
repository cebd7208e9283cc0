"""Whatever is sent to a REST door, the answer says what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.gateway.entrypoints.body_limit import BODY_LIMIT
from services.gateway.entrypoints.errors import install_error_answers
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.freshness import ProjectionMissingError
from shared.messaging.errors import BusUnavailableError

_JSON = {"Content-Type": "application/json"}


class Word(BaseModel):
    said: str


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_error_answers(app)
    app.post("/words")(_take)
    app.post("/faults/{name}")(_fail)
    app.post("/v1/refusals/{code}")(_refuse)
    app.post("/v2/refusals/{code}")(_refuse)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=_JSON) as client:
        yield client


async def _take(word: Word) -> int:
    return len(word.said)


async def _fail(name: str) -> None:
    raise {
        "log": LogUnavailableError("gone"),
        "bus": BusUnavailableError("gone"),
        "projection": ProjectionMissingError("sessions"),
        "bug": LookupError("a secret of the inside"),
    }[name]


async def _refuse(code: str) -> None:
    error = RefusedError("no")
    error.code = code
    raise error


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an answer that says both also in its body, and something for people."""
    body = answer.json()
    assert body.keys() == {"message", "code", "statusCode"}
    assert (body["statusCode"], bool(body["message"])) == (answer.status_code, True)
    return answer.status_code, body["code"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"said",
        b"\xff\xfe\xfd",
        b'{"said": "\xff"}',
        b'"said"',
        b"[" * 60_000,
        b'{"said":' * 8_000,
        b'{"said": NaN}',
        b"{}",
        b'{"said": null}',
        b"\x00",
    ],
)
async def test_a_body_that_cannot_be_read_is_an_invalid_request(http: httpx.AsyncClient, body: bytes) -> None:
    assert refusal(await http.post("/words", content=body)) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b'{"said": "\xff"}', b"[" * 60_000])
async def test_a_body_that_is_not_parsed_is_told_what_it_should_be(http: httpx.AsyncClient, body: bytes) -> None:
    told = (await http.post("/words", content=body)).json()["message"]
    assert told == "POST /words: the body is no JSON in UTF-8, or is nested too deeply"


async def test_a_body_that_is_not_called_json_is_an_invalid_request(http: httpx.AsyncClient) -> None:
    answer = await http.post("/words", content=b'{"said": "yes"}', headers={"Content-Type": "text/plain"})
    assert refusal(answer) == (400, "invalid_request")


async def test_a_body_is_bounded(http: httpx.AsyncClient) -> None:
    fits = b'{"said": "%s"}' % (b"x" * (BODY_LIMIT - 12))
    assert len(fits) == BODY_LIMIT
    assert (await http.post("/words", content=fits)).json() == BODY_LIMIT - 12
    assert refusal(await http.post("/words", content=fits + b" ")) == (413, "body_too_large")


async def test_a_body_of_unknown_length_is_bounded_and_not_read_to_its_end(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b" " * 1024

    assert refusal(await http.post("/words", content=endless())) == (413, "body_too_large")
    assert sent <= BODY_LIMIT + 2048


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/%ff%00", (404, "not_found")),
        ("GET", "/words", (405, "method_not_allowed")),
        ("POST", "/faults/log", (503, "unavailable")),
        ("POST", "/faults/bus", (503, "unavailable")),
        ("POST", "/faults/projection", (503, "unavailable")),
        ("POST", "/faults/bug", (500, "internal")),
    ],
)
async def test_every_refusal_has_its_code(
    http: httpx.AsyncClient, method: str, path: str, answer: tuple[int, str]
) -> None:
    assert refusal(await http.request(method, path)) == answer


_STATUSES = {
    "consent_required": 403,
    "participant_not_allowed": 403,
    "session_not_found": 404,
    "recording_not_found": 404,
    "merge_not_found": 404,
    "webhook_not_found": 404,
    "not_recording": 404,
    "file_not_found": 404,
    "already_recording": 409,
    "already_merging": 409,
    "recording_running": 409,
    "not_started": 409,
    "unsupported_kind": 400,
    "unsupported_file_format": 400,
    "not_supported": 400,
    "room_deactivated": 400,
    "unavailable": 503,
    "lapsed": 503,
}


@pytest.mark.parametrize(("code", "status"), _STATUSES.items())
async def test_a_refusal_has_the_status_of_its_code(http: httpx.AsyncClient, code: str, status: int) -> None:
    for version in ("v1", "v2"):
        assert refusal(await http.post(f"/{version}/refusals/{code}")) == (status, code)


async def test_a_room_that_is_not_there_is_a_bad_request_to_videosdks_clients_alone(http: httpx.AsyncClient) -> None:
    assert refusal(await http.post("/v1/refusals/room_not_found")) == (404, "room_not_found")
    assert refusal(await http.post("/v2/refusals/room_not_found")) == (400, "room_not_found")


async def test_what_went_wrong_inside_is_not_told(http: httpx.AsyncClient) -> None:
    assert "secret" not in (await http.post("/faults/bug")).text
