"""Every REST route keeps to the OpenAPI document, whatever is sent to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from services.gateway.entrypoints.examples.every import TOLD
from services.system import System
from shared.runtime.tokens import Tokens

_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
#: Of what fits the document, and of what does not, for each route.
_EXAMPLES = 4
#: These come last: afterwards there is less to ask for.
_ENDING = ("/stop", "/end", "/remove", "/deactivate")
#: Said to anybody, and nothing with it that is not for all.
_TOLD_TO_ALL = ("options", "/v1/whip/{room_id}")


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def _as_it_is(_: object, value: object) -> bytes:
    return str(value).encode(errors="surrogatepass")


# The system runs in this very process, and draws lots while a request is being made up.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_every_route_keeps_to_the_document(running: System) -> None:
    url = f"http://127.0.0.1:{running.http_port}"
    token = Tokens(running.infrastructure.credentials).issue(datetime.now(UTC), permissions=("allow_join", "allow_mod"))
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": token}) as http:
        document = (await http.get("/openapi.json")).json()
        known = await _something_to_ask_for(http)
    walked = await asyncio.to_thread(_walk, document, url, token, known)
    assert walked == sum(len(operations) for operations in document["paths"].values())


async def _something_to_ask_for(http: httpx.AsyncClient) -> Mapping[str, str]:
    """Have a participant recorded, and return what there is, by the names of parameters and fields."""
    body = {"customRoomId": "standup", "media": {"type": "rtp"}, "consentAttestation": {}}
    room_id = (await http.post("/v2/rooms", json=body)).json()["roomId"]
    offer = {"audio": {"codec": "opus", "payloadType": 111}}
    answer = await http.post(f"/v1/rooms/{room_id}/participants/alice/rtp", json=offer)
    assert answer.status_code == 200, answer.text
    who = {"roomId": room_id, "participantId": "alice"}
    answer = await http.post("/v2/recordings/participant/start", json=who)
    assert answer.status_code == 200, answer.text
    session = (await http.get("/v2/sessions", params={"roomId": room_id})).json()["data"][0]["id"]
    return {
        **who,
        "room_id": room_id,
        "name": room_id,
        "participant_id": "alice",
        "session_id": session,
        "sessionId": session,
        "id": answer.headers["Recording-Id"],
    }


def _walk(document: dict[str, Any], url: str, token: str, known: Mapping[str, str]) -> int:
    """Try every route, and return how many there are."""
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    operations = sorted((each.ok() for each in found if isinstance(each, Ok)), key=_is_last)
    with requests.Session() as session:
        session.headers["Authorization"] = token
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with suppress(Unsatisfiable):  # there is nothing in it that could be said wrongly
                    _try(operation.as_strategy(generation_mode=mode), url, session, known)
    return len(operations)


def _is_last(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    return operation.method == "delete" or operation.path.endswith(_ENDING)


def _try(cases: st.SearchStrategy[Case[Any]], url: str, session: requests.Session, known: Mapping[str, str]) -> None:
    @settings(
        max_examples=_EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.booleans())
    def attempt(case: Case[Any], is_known: bool) -> None:
        if is_known:
            _ask_for_what_there_is(case, known)
        case.call_and_validate(base_url=url, session=session, checks=_CHECKS, timeout=20)

    attempt()


def _ask_for_what_there_is(case: Case[Any], known: Mapping[str, str]) -> None:
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: known[name] for name in part if name in known})


async def test_the_document_tells_of_every_route_with_examples(running: System) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}") as http:
        document = (await http.get("/openapi.json")).json()
    told = {(method, path) for path, operations in document["paths"].items() for method in operations}
    assert told == TOLD.keys()
    for operation in (each for operations in document["paths"].values() for each in operations.values()):
        assert operation["summary"], operation
        assert operation["tags"], operation
        for example, schema in _examples(operation):
            jsonschema.validate(example, {**schema, "components": document["components"]})


async def test_no_page_is_served_whose_scripts_are_somebody_elses(running: System) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}") as http:
        for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
            assert (await http.get(path)).status_code == 404, path
        assert 'href="openapi.json"' in (await http.get("/")).text


async def test_everything_needs_a_token_but_what_gives_none_away(running: System) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}") as http:
        document = (await http.get("/openapi.json")).json()
        open_to_all = {
            path
            for path, operations in document["paths"].items()
            for operation in operations.values()
            if operation.get("security") != [{"token": []}]
        }
        assert open_to_all == {"/v1/rooms/{room_id}/start_invited", "/v2/public/rsa-public-key"}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if path not in open_to_all and (method, path) != _TOLD_TO_ALL:
                    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                    answer = await http.request(method, _somewhere(path), json=body.get("example"))
                    assert answer.status_code == 401, (method, path, answer.text)


def _somewhere(path: str) -> str:
    return re.sub(r"{\w+}", "x", path.replace("{webhook_id}", str(uuid4())))


def _examples(operation: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Return each example with its schema. Every body and every JSON answer has one."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for content in (each["content"] for each in (*bodies, *operation["responses"].values()) if "content" in each):
        for media_type, said in content.items():
            if "example" in said:
                yield said["example"], said["schema"]
            elif media_type == "application/json":
                yield from ((each["value"], said["schema"]) for each in said["examples"].values())
