"""Rooms, by the official SDK."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from tests.e2e.videosdk.place import Place
from tests.e2e.videosdk.sdk import Sdk
from tests.e2e.videosdk.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

Clients = Callable[..., AbstractAsyncContextManager[Sdk]]


async def test_a_room_is_found_by_each_of_its_ids_and_made_once_for_a_custom_one(sdk: Sdk, unique: str) -> None:
    made = await sdk.call("rooms.create", {"customRoomId": f"standup-{unique}"})
    again = await sdk.call("rooms.create", {"customRoomId": f"standup-{unique}"})

    assert again["roomId"] == made["roomId"]
    assert made["disabled"] is False
    for key in ("roomId", "customRoomId", "id"):
        assert await sdk.call("rooms.get", made[key]) == made
    assert (await sdk.walk("rooms.list", query=f"standup-{unique}")).items == [made]
    assert (await sdk.walk("rooms.list", query=made["roomId"])).items == [made]


async def test_a_room_shows_what_was_asked_of_it(sdk: Sdk) -> None:
    made = await sdk.call(
        "rooms.create",
        {
            "webhook": {"url": "https://hooks.example/videosdk", "events": ["session*", "recording-stopped"]},
            "autoCloseConfig": {"type": "session-end-and-deactivate", "afterInactiveSeconds": 90},
            "allowedParticipantIds": ["alice", "bob"],
            "geoFence": "us002",
        },
    )

    assert made["webhook"] == {
        "endPoint": "https://hooks.example/videosdk",
        "events": ["session*", "recording-stopped"],
    }
    assert made["autoCloseConfig"] == {"type": "session-end-and-deactivate", "duration": 90}
    assert made["allowedParticipantIds"] == ["alice", "bob"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    assert set(made["links"]) == {"get_room", "get_session"}


async def test_rooms_are_listed_over_pages_newest_first(sdk: Sdk) -> None:
    made = [(await sdk.call("rooms.create"))["roomId"] for _ in range(5)]

    listed = await sdk.walk("rooms.list", perPage=2)

    assert listed.first == 2
    assert listed.total >= 5
    ids = [each["roomId"] for each in listed.items]
    # Others make rooms meanwhile; those in between are told again on the next page.
    assert [each for each in dict.fromkeys(ids) if each in made] == made[::-1]


async def test_validating_tells_known_rooms_from_others(sdk: Sdk, unique: str) -> None:
    made = await sdk.call("rooms.create", {"customRoomId": f"known-{unique}"})

    for known in (made["roomId"], f"known-{unique}"):
        assert await sdk.call("rooms.validate", known) == {"valid": True, "roomId": made["roomId"], "room": made}
    assert await sdk.call("rooms.validate", f"unknown-{unique}") == {"valid": False, "roomId": f"unknown-{unique}"}


async def test_nobody_joins_a_room_that_was_ended(server: Server) -> None:
    room = await server.room()
    ended = await server.sdk.call("rooms.end", room.room_id)

    assert ended["roomId"] == room.room_id
    assert ended["disabled"] is True
    assert (await server.sdk.call("rooms.get", room.room_id))["disabled"] is True
    assert (await server.sdk.call("rooms.validate", room.room_id))["valid"] is False
    refused = await room.post(f"/v1/rooms/{room.room_id}/start", {}, room.token("alice"))
    assert (refused.status_code, refused.json()["code"]) == (400, "room_deactivated")


async def test_a_room_lets_in_only_whom_its_server_allowed(server: Server) -> None:
    room = await server.room(allowedParticipantIds=["alice"])

    await room.join("alice")

    refused = await room.post(f"/v1/rooms/{room.room_id}/start", {}, room.token("eve"))
    assert (refused.status_code, refused.json()["code"]) == (403, "participant_not_allowed")


async def test_what_is_wrong_with_a_request_is_thrown_as_the_class_that_the_sdk_documents(
    place: Place, sdk: Sdk, client: Clients
) -> None:
    nowhere = ("ValidationError", 400, "room_not_found")
    assert await sdk.refused("rooms.get", "no-such-room") == nowhere
    assert await sdk.refused("rooms.end", "no-such-room") == nowhere
    kind, status, _ = await sdk.refused("rooms.create", {"allowedParticipantIds": "alice"})
    assert (kind, status) == ("ValidationError", 400)
    async with client(place, secret="somebody else's secret") as stranger:
        kind, status, _ = await stranger.refused("rooms.list", {})
        assert (kind, status) == ("AuthenticationError", 401)
    rtc = await sdk.call("generateToken", {"roles": ["rtc"]})
    async with client(place, token=rtc) as participant:
        kind, status, _ = await participant.refused("rooms.list", {})
        assert (kind, status) == ("PermissionError", 403)


async def test_the_sdk_gets_a_participant_in_with_a_token_of_its_own(place: Place, sdk: Sdk) -> None:
    room_id = (await sdk.call("rooms.create"))["roomId"]
    token = await sdk.call("generateToken", {"roles": ["rtc"], "claims": {"roomId": room_id, "participantId": "alice"}})

    async with httpx.AsyncClient(base_url=place.url, trust_env=False) as http:
        ticket = await http.post(f"/v1/rooms/{room_id}/start", headers={"Authorization": token})

    assert ticket.status_code == 200, ticket.text
    assert ticket.json()["ticket"]
