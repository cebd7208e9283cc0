"""The audit API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.audit.bootstrap import DECIDERS
from services.audit.entrypoints.rest import install_audit
from services.audit.replay import plain
from shared.eventsourcing.store import EventStore
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens
from tests.support.in_memory import InMemoryEventStore
from tests.unit.audit.story import log_of, told_story

TOKENS = Tokens(Credentials("key", "a secret of more than thirty-two bytes"))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with opened(await log_of()) as client:
        yield client


@asynccontextmanager
async def opened(store: EventStore) -> AsyncIterator[httpx.AsyncClient]:
    """The audit of a log, asked by a server."""
    app = FastAPI()
    install_audit(app, store, DECIDERS, TOKENS)
    headers = {"Authorization": _token(permissions=("allow_join",), roles=("crawler",))}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://audit", headers=headers) as client:
        yield client


def _token(**claims: Any) -> str:
    return TOKENS.issue(datetime.now(UTC), **claims)


async def _get(http: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await http.get(f"/v1/audit/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_states_are_answered_up_to_a_position_or_a_moment(http: httpx.AsyncClient) -> None:
    assert (await _get(http, "state", position=15))["states"]["consent"]["consent-s:ann"]["answer"] == "given"
    later = await _get(http, "state", moment="2030-05-17T12:00:25Z")
    assert later["states"]["consent"]["consent-s:ann"]["answer"] == "withdrawn"


async def test_a_sessions_timeline_is_that_of_each_of_its_recordings(http: httpx.AsyncClient) -> None:
    """The same model as `onrecord audit timeline` shows; event ids are drawn anew for each log."""
    answered = await _get(http, "sessions/s/timeline")
    assert answered["session_id"] == "s"
    assert _without_ids(answered["recordings"]) == _without_ids(plain(await told_story()))
    assert answered["recordings"][0]["participants"][0]["recorded"][0]["end"]["type"] == "consent.withdrawn.v1"


async def test_a_session_that_nobody_knows_has_no_recordings(http: httpx.AsyncClient) -> None:
    assert await _get(http, "sessions/nope/timeline") == {"session_id": "nope", "recordings": []}


# --- who may


_AUDITORS: list[dict[str, Any]] = [
    {"permissions": ["allow_mod"]},
    {"permissions": ["allow_join", "allow_mod"], "roles": ["crawler"]},
    {"permissions": [], "roles": ["crawler"]},
]
_NO_AUDITORS: list[dict[str, Any]] = [
    {"permissions": ["ask_join"]},
    {"permissions": ["allow_join"]},
    {"permissions": ["allow_mod"], "roles": ["rtc"]},
    {"permissions": ["allow_mod"], "participant_id": "ann"},
    {"roles": ["crawler"], "participant_id": "ann"},
    {"roles": ["crawler"], "room_id": "q"},
]
_PATHS = ["state", "sessions/s/timeline"]


@pytest.mark.parametrize("path", _PATHS)
async def test_moderators_and_servers_audit_and_nobody_else(http: httpx.AsyncClient, path: str) -> None:
    for claims in _AUDITORS:
        answer = await http.get(f"/v1/audit/{path}", headers={"Authorization": _token(**claims)})
        assert answer.status_code == 200, claims
    for claims in _NO_AUDITORS:
        answer = await http.get(f"/v1/audit/{path}", headers={"Authorization": _token(**claims)})
        assert _refusal(answer) == (403, "forbidden"), claims
    answer = await http.get(f"/v1/audit/{path}", headers={"Authorization": "nonsense"})
    assert _refusal(answer) == (401, "unauthorized")


async def test_a_token_of_a_room_sees_that_rooms_sessions_and_no_state(http: httpx.AsyncClient) -> None:
    of_the_room = {"Authorization": _token(roles=["crawler"], room_id="r")}
    answer = await http.get("/v1/audit/sessions/s/timeline", headers=of_the_room)
    assert (answer.status_code, len(answer.json()["recordings"])) == (200, len(await told_story()))
    assert _refusal(await http.get("/v1/audit/state", headers=of_the_room)) == (403, "forbidden")


@pytest.mark.parametrize("path", ["state?position=-1", "state?moment=today", "sessions/a%20b/timeline"])
async def test_what_makes_no_sense_is_refused(http: httpx.AsyncClient, path: str) -> None:
    assert _refusal(await http.get(f"/v1/audit/{path}")) == (400, "invalid_request")


# --- how much


class HeldLog(InMemoryEventStore):
    """A log whose head is not told before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Semaphore(0)
        self.let_go = asyncio.Event()

    async def head(self) -> int:
        self.asked.release()
        await self.let_go.wait()
        return await super().head()


@pytest.mark.parametrize("path", _PATHS)
async def test_the_log_is_read_for_a_few_at_a_time_and_the_next_is_told_to_come_later(path: str) -> None:
    log = HeldLog()
    async with opened(log) as http, asyncio.TaskGroup() as reading:
        two = [reading.create_task(http.get(f"/v1/audit/{each}")) for each in _PATHS]
        for _ in two:
            await log.asked.acquire()
        refused = await http.get(f"/v1/audit/{path}")
        log.let_go.set()
        assert _refusal(refused) == (503, "unavailable")
        assert refused.headers["Retry-After"] == "10"
        assert [(await each).status_code for each in two] == [200, 200]
        assert (await http.get(f"/v1/audit/{path}")).status_code == 200


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, which says both also in its body, and something for people."""
    body = answer.json()
    assert (body["statusCode"], bool(body["message"])) == (answer.status_code, True)
    return answer.status_code, body["code"]


def _without_ids(value: Any) -> Any:
    return json.loads(json.dumps(value), object_hook=lambda each: {k: v for k, v in each.items() if k != "event_id"})
