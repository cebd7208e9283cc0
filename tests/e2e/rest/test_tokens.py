"""Who is let in: the tokens that clients are seen to send, and those that are not good."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.rest.calls import Calls
from tests.e2e.rest.server import Server
from tests.e2e.rest.tokens import signed, token

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STOP = "/v2/recordings/participant/stop"
_AUDIO = {"audio": {"codec": "opus", "payloadType": 111}}
#: What a call about a room without a session is answered, once the token was found good.
_LET_IN, _FORBIDDEN = (404, "session_not_found"), (403, "forbidden")


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer "])
async def test_a_token_is_sent_raw_or_as_bearer(server: Server, scheme: str) -> None:
    answer = await server.ask("GET", "/v2/rooms", token=scheme + server.token())
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"version": None, "roles": None, "permissions": ["allow_join", "allow_mod"]},
        {"roles": ["crawler"]},
        {"roles": "crawler"},
        {"roles": None, "role": "crawler"},
        {"roles": ["CRAWLER"]},
        {"roles": "CRAWLER"},
        {"roles": ["crawler", "rtc"], "permissions": []},
    ],
    ids=["no version and no roles", "a list", "a string", "role", "capitals", "a string in capitals", "both roles"],
)
async def test_tokens_are_good_as_clients_write_them(server: Server, calls: Calls, claims: dict[str, Any]) -> None:
    call = await calls.begin()
    good = server.token(**claims)
    assert (await server.ask("GET", "/v2/rooms", token=good)).status_code == 200
    assert await server.refused("POST", _STOP, call.about("alice"), good) == _LET_IN


@pytest.mark.parametrize("claims", [{"roles": ["rtc"]}, {"roles": "rtc"}, {"roles": None, "role": "rtc"}])
async def test_a_token_for_joining_alone_is_refused_although_it_moderates(
    server: Server, calls: Calls, claims: dict[str, Any]
) -> None:
    call = await calls.begin()
    joining = server.token(permissions=["allow_join", "allow_mod"], **claims)
    for method, path, body in (
        ("GET", "/v2/rooms", None),
        ("POST", "/v2/rooms", {}),
        ("GET", f"/v2/rooms/{call.room_id}", None),
        ("GET", f"/v2/rooms/validate/{call.room_id}", None),
        ("POST", "/v2/rooms/deactivate", {"roomId": call.room_id}),
        ("GET", "/v2/sessions", None),
        ("POST", "/v2/sessions/end", {"roomId": call.room_id}),
        ("POST", "/v2/sessions/participants/remove", call.about("alice")),
        ("GET", "/v2/recordings/participant", None),
        ("POST", _STOP, call.about("alice")),
        ("POST", "/v2/recordings/participant/start", call.about("alice")),
        ("POST", "/v2/recordings/participant/track/start", call.about("alice", kind="audio")),
        ("GET", "/v2/recordings/participant/track", None),
        ("GET", "/v2/recordings/participant/merge", None),
        ("POST", "/v2/transcodings/merge", {"recordingIds": ["0" * 24]}),
        ("GET", "/v2/transcodings", None),
    ):
        assert await server.refused(method, path, body, joining) == _FORBIDDEN, f"{method} {path}"


async def test_a_token_that_neither_serves_nor_moderates_makes_plain_rooms_and_reads_no_recordings(
    server: Server, calls: Calls
) -> None:
    call = await calls.begin()
    reading = server.token(roles=None)
    for method, path in (
        ("GET", "/v2/rooms"),
        ("GET", f"/v2/rooms/{call.room_id}"),
        ("GET", f"/v2/rooms/validate/{call.room_id}"),
        ("POST", "/v2/rooms"),
        ("GET", "/v2/sessions"),
    ):
        assert (await server.ask(method, path, token=reading)).status_code == 200, f"{method} {path}"
    for path in (
        "recordings/participant",
        "recordings/participant/track",
        "recordings/participant/merge",
        "transcodings",
    ):
        assert await server.refused("GET", f"/v2/{path}", token=reading) == _FORBIDDEN, path
    arranged = {"consentAttestation": {"reference": "contract 4711"}}
    assert await server.refused("POST", "/v2/rooms", arranged, reading) == _FORBIDDEN
    assert await server.refused("POST", "/v2/rooms", {}, server.token(roles=None, permissions=[])) == _FORBIDDEN
    announced = f"/v1/rooms/{call.room_id}/participants/alice/rtp"
    assert await server.refused("POST", announced, _AUDIO, reading) == _FORBIDDEN
    for path, body in (
        ("rooms/deactivate", {"roomId": call.room_id}),
        ("sessions/end", {"roomId": call.room_id}),
        ("sessions/participants/remove", call.about("alice")),
        ("recordings/participant/start", call.about("alice")),
        ("recordings/participant/stop", call.about("alice")),
        ("recordings/participant/pause", call.about("alice")),
        ("recordings/participant/resume", call.about("alice")),
        ("recordings/participant/track/start", call.about("alice", kind="audio")),
        ("recordings/participant/track/stop", call.about("alice", kind="audio")),
        ("transcodings/merge", {"recordingIds": ["0" * 24]}),
    ):
        assert await server.refused("POST", f"/v2/{path}", body, reading) == _FORBIDDEN, path


async def test_a_token_is_for_the_room_and_the_participant_that_it_names(server: Server, calls: Calls) -> None:
    call, other = await calls.begin(), await calls.begin()
    bound = server.token(roomId=call.room_id, participantId="alice")
    assert await server.refused("POST", _STOP, call.about("alice"), bound) == _LET_IN
    assert await server.refused("POST", _STOP, call.about("bob"), bound) == _FORBIDDEN
    assert await server.refused("POST", _STOP, other.about("alice"), bound) == _FORBIDDEN

    assert await server.refused("GET", "/v2/rooms", token=bound) == _FORBIDDEN
    validated = await server.ask("GET", f"/v2/rooms/validate/{call.room_id}", token=bound)
    assert (validated.status_code, validated.json()["consentAttestation"]) == (200, None)
    own = server.token(roles=None, participantId="alice")
    assert (await server.ask("GET", "/v2/recordings/participant", token=own)).status_code == 200

    of_the_room = server.token(roomId=call.room_id)
    assert await server.refused("GET", f"/v2/rooms/{other.room_id}", token=of_the_room) == _FORBIDDEN
    listed = (await server.ask("GET", "/v2/rooms", token=of_the_room)).json()
    assert [each["roomId"] for each in listed["data"]] == [call.room_id]
    assert listed["pageInfo"]["total"] == 1


async def test_a_token_that_is_not_good_is_401(server: Server, next_server: Server) -> None:
    claims = {"apikey": server.api_key, "permissions": ["allow_join", "allow_mod"], "roles": ["crawler"]}
    good = server.token()
    head, body, signature = good.split(".")
    for name, bad in {
        "none": None,
        "empty": "Bearer",
        "nonsense": "nonsense",
        "alg none": signed({"alg": "none", "typ": "JWT"}, {**claims, "exp": int(time.time()) + 60}, ""),
        "alg none, signed": signed({"alg": "none", "typ": "JWT"}, claims, "") + signature,
        "expired": server.token(exp=int(time.time()) - 60),
        "forged": token(server.api_key, "somebody else's secret, of more than enough bytes"),
        "another key's secret": token(server.api_key, next_server.api_secret),
        "unknown key": token("unknown", server.api_secret),
        "no key": server.token(apikey=None),
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "unsigned": f"{head}.{body}.",
        "another scheme": f"Basic {good}",
    }.items():
        answer = await server.ask("GET", "/v2/rooms", token=bad)
        assert (answer.status_code, answer.json().keys()) == (401, {"message", "code", "statusCode"}), name
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_while_keys_change_both_are_good_and_see_the_same(server: Server, next_server: Server) -> None:
    made = await next_server.post("/v2/rooms")
    seen = await server.get(f"/v2/rooms/{made['roomId']}")
    assert seen["roomId"] == made["roomId"]
    assert (await next_server.get("/v2/rooms", query=made["roomId"]))["data"][0]["roomId"] == made["roomId"]
