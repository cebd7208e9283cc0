"""Rooms: made, shown, listed, validated, deactivated; who may join them."""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Any

import pytest

from tests.e2e.rest.calls import Calls
from tests.e2e.rest.server import Server, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FIELDS = {
    "roomId", "customRoomId", "userId", "disabled", "createdAt", "updatedAt", "id", "links", "webhook",
    "autoCloseConfig", "allowedParticipantIds", "consentPolicy", "withdrawalPolicy",
    "consentAttestation", "media", "storagePrefix",
}  # fmt: skip
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HEX = re.compile(r"[0-9a-f]{24}")
_UNKNOWN = (400, "room_not_found")


def _require_room(room: dict[str, Any]) -> None:
    assert room.keys() == _FIELDS
    assert re.fullmatch(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", room["roomId"])
    assert room["disabled"] is False
    for name in ("id", "userId"):
        assert _HEX.fullmatch(room[name])
    for name in ("createdAt", "updatedAt"):
        assert _MOMENT.fullmatch(room[name])
    assert room["links"].keys() == {"get_room", "get_session"}


async def test_a_room_is_made_without_body_and_without_content_type(server: Server) -> None:
    answer = await server.ask("POST", "/v2/rooms")
    assert "content-type" not in answer.request.headers
    assert answer.request.content == b""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    _require_room(answer.json())
    assert answer.json()["customRoomId"] is None


async def test_a_room_has_all_that_was_asked_for_under_each_of_its_names(server: Server) -> None:
    asked = {
        "customRoomId": f"weekly {token_hex(4)}",
        "webhook": {"endPoint": "https://example.org/hook", "events": ["session*", "participant-joined"]},
        "autoCloseConfig": {"type": "session-end-and-deactivate", "duration": 90},
        "allowedParticipantIds": ["alice", "bob"],
        "consentPolicy": "keep",
        "withdrawalPolicy": "erase",
        "consentAttestation": {"reference": "contract 17"},
        "media": {"type": "rtp"},
        "storagePrefix": "acme/weekly",
    }
    made = await server.post("/v2/rooms", {**asked, "geoFence": {"regions": ["eu"]}, "multiComposition": {}, "new": 1})
    _require_room(made)
    assert {name: made[name] for name in asked} == asked
    for name in (made["roomId"], made["id"], asked["customRoomId"]):
        assert await server.get(f"/v2/rooms/{name}") == made
        assert (await server.post(f"/v2/rooms/validate/{name}")) == made
        assert (await server.get(f"/v2/rooms/validate/{name}")) == made
    assert (await server.get(made["links"]["get_room"])) == made
    # Again by the same name: the room as it was made first.
    assert await server.post("/v2/rooms", {"customRoomId": asked["customRoomId"], "storagePrefix": "other"}) == made


@pytest.mark.parametrize("events", [None, []])
async def test_a_webhook_that_names_no_events_is_of_all(server: Server, events: Any) -> None:
    webhook = {"endPoint": "https://example.org/hook", "events": events}
    assert (await server.post("/v2/rooms", {"webhook": webhook}))["webhook"] == {**webhook, "events": []}


async def test_nulls_are_absent(server: Server) -> None:
    named = ("customRoomId", "webhook", "autoCloseConfig", "allowedParticipantIds", "autoStartConfig", "geoFence")
    _require_room(await server.post("/v2/rooms", dict.fromkeys(named)))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"autoStartConfig": {"recording": {}}}, "not_supported"),
        ({"webhook": {"endPoint": "ftp://example.org"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org/" + "a" * 512}}, "invalid_request"),
        ({"autoCloseConfig": {"type": "never"}}, "invalid_request"),
        ({"autoCloseConfig": {"type": "session-ends", "duration": 0}}, "invalid_request"),
        ({"storagePrefix": "../up"}, "invalid_request"),
        ({"allowedParticipantIds": []}, "invalid_request"),
        ([], "invalid_request"),
        ("a string", "invalid_request"),
    ],
)
async def test_a_room_that_cannot_be_is_refused(server: Server, body: Any, code: str) -> None:
    assert await server.refused("POST", "/v2/rooms", body) == (400, code)


async def test_rooms_are_listed_newest_first_and_found_by_name(server: Server) -> None:
    made = [await server.post("/v2/rooms", {"customRoomId": token_hex(8)}) for _ in range(3)]
    everything = await server.get("/v2/rooms", perPage=100)
    own = [each for each in everything["data"] if each in made]
    assert own == made[::-1]
    for name in ("roomId", "customRoomId"):
        found = await server.get("/v2/rooms", query=made[1][name])
        assert found["data"] == [made[1]]
        assert found["pageInfo"] == {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": 1}


async def test_a_room_that_there_is_not_is_400(server: Server) -> None:
    for method, path in (
        ("GET", "/v2/rooms/nowh-erex-atal"),
        ("GET", "/v2/rooms/validate/nowh-erex-atal"),
        ("POST", "/v2/rooms/validate/nowh-erex-atal"),
    ):
        assert await server.refused(method, path) == _UNKNOWN
    nowhere = {"roomId": "nowh-erex-atal", "participantId": "alice"}
    for path in ("rooms/deactivate", "sessions/end", "sessions/participants/remove", "recordings/participant/start"):
        assert await server.refused("POST", f"/v2/{path}", nowhere) == _UNKNOWN, path


async def test_nobody_gets_into_a_deactivated_room_and_its_session_goes_on(server: Server, calls: Calls) -> None:
    call = await calls.begin(customRoomId=token_hex(8))
    alice = await call.enter("alice")
    assert await server.refused("POST", "/v2/rooms/deactivate", {"roomId": call.made["customRoomId"]}) == _UNKNOWN

    deactivated = await server.post("/v2/rooms/deactivate", {"roomId": call.room_id})

    assert deactivated["disabled"] is True
    assert deactivated == {**call.made, "disabled": True, "updatedAt": deactivated["updatedAt"]}
    assert deactivated["updatedAt"] > call.made["updatedAt"]
    assert await server.post("/v2/rooms/deactivate", {"roomId": call.room_id}) == deactivated
    assert await server.get(f"/v2/rooms/{call.room_id}") == deactivated
    for method in ("GET", "POST"):
        assert (await server.refused(method, f"/v2/rooms/validate/{call.room_id}"))[0] == 400
    ticket = await calls.site.post(f"/v1/rooms/{call.room_id}/start", {}, calls.site.token("bob"))
    assert refusal(ticket) == (400, "room_deactivated")
    await alice.echo()
    assert (await server.get(f"/v2/sessions/{await call.session_id()}"))["status"] == "ongoing"


async def test_only_those_get_in_who_are_allowed(calls: Calls) -> None:
    call = await calls.begin(allowedParticipantIds=["alice"])
    assert (await call.enter("alice")).id == "alice"
    for stranger in (calls.site.token("bob"), calls.site.token("mona", "moderator"), calls.site.token()):
        ticket = await calls.site.post(f"/v1/rooms/{call.room_id}/start", {}, stranger)
        assert refusal(ticket) == (403, "participant_not_allowed")
