"""The audit API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.audit.bootstrap import DECIDERS
from services.audit.entrypoints.rest import audit_router
from services.audit.replay import plain
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens
from tests.unit.audit.story import log_of, told_story

TOKENS = Tokens(Credentials("key", "a secret of more than thirty-two bytes"))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(audit_router(await log_of(), DECIDERS, TOKENS))
    token = TOKENS.issue(datetime.now(UTC), permissions=("allow_join",), roles=("crawler",))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://audit", headers={"Authorization": token}
    ) as client:
        yield client


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


def _without_ids(value: Any) -> Any:
    return json.loads(json.dumps(value), object_hook=lambda each: {k: v for k, v in each.items() if k != "event_id"})
