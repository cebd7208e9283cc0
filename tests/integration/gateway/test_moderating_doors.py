"""What moderators and servers arrange: rooms, breakout rooms and invites."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.contracts.room import BreakoutRoomOpened, RoomCreated, room_stream
from shared.eventsourcing.codec import decode
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.gateway.doors import Doors, bearer, refusal, written

_MODERATOR = bearer(permissions=["allow_mod"])


async def post(doors: Doors, path: str, body: Any = None, headers: dict[str, str] = _MODERATOR) -> httpx.Response:
    return await doors.http.post(f"/v1/rooms/{doors.room_id}/{path}", content=written(body), headers=headers)


# --- who may


@pytest.mark.parametrize("path", ["breakout_rooms", "invites"])
async def test_moderators_and_servers_may(doors: Doors, path: str) -> None:
    body = {"name": "Green"} if path == "breakout_rooms" else {}
    for may in (_MODERATOR, bearer(roles=["crawler"]), bearer(permissions=["allow_mod"], room_id=doors.room_id)):
        assert (await post(doors, path, body, may)).status_code == 200
    for may_not in (bearer(), bearer(roles=["rtc"]), bearer(permissions=["allow_mod"], room_id="other")):
        assert refusal(await post(doors, path, body, may_not)) == (403, "forbidden")
    nobody = {"Content-Type": "application/json"}
    assert refusal(await post(doors, path, body, nobody)) == (401, "unauthorized")


async def test_who_may_not_make_invites_may_not_revoke_them(doors: Doors) -> None:
    code = await doors.invite()
    assert refusal(await doors.revoke(code, permissions=["allow_join"])) == (403, "forbidden")
    assert (await doors.start_invited(invite_code=code)).status_code == 200


async def test_a_room_that_does_not_exist_gets_no_invites_and_no_breakout_rooms(doors: Doors) -> None:
    doors.room_id = "no-such-room"
    assert refusal(await post(doors, "invites")) == (404, "room_not_found")
    assert refusal(await post(doors, "breakout_rooms", {"name": "Green"})) == (404, "room_not_found")


# --- invites


async def test_an_invite_says_what_a_guest_needs(doors: Doors) -> None:
    answer = (await post(doors, "invites", {"password": "secret", "expiration": "2999-01-01T01:00:00+01:00"})).json()
    assert UUID(answer.pop("invite_code")).version == 4
    assert answer == {"room_id": doors.room_id, "password_required": True, "expiration": "2999-01-01T00:00:00Z"}


@pytest.mark.parametrize("body", [None, {}, {"password": None, "expiration": None}])
async def test_an_invite_needs_neither_password_nor_end(doors: Doors, body: Any) -> None:
    answer = (await post(doors, "invites", body)).json()
    assert (answer["password_required"], answer["expiration"]) == (False, None)


@pytest.mark.parametrize(
    "body",
    [
        {"password": ""},
        {"password": 5},
        {"password": "x" * 2000},
        {"password": "\ud800"},
        {"expiration": "tomorrow"},
        {"expiration": ""},
        {"expiration": "2999-01-01T00:00:00"},
        {"expiration": "2999-13-01T00:00:00Z"},
        {"expiration": "9999-12-31T23:59:59-14:00"},
        {"expiration": "0001-01-01T00:00:00+14:00"},
        {"expiration": 32472144000},
        {"expiration": "32472144000"},
        {"expiration": True},
        {"expiration": "2001-01-01T00:00:00Z"},
    ],
)
async def test_an_invite_that_makes_no_sense_is_refused(doors: Doors, body: Any) -> None:
    assert refusal(await post(doors, "invites", body)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "expiration", ["2999-01-01T00:00:00Z", "2999-01-01t00:00:00.123456789z", "2999-01-01 00:00:00-08:00"]
)
async def test_an_end_is_written_in_any_way_of_rfc_3339(doors: Doors, expiration: str) -> None:
    assert (await post(doors, "invites", {"expiration": expiration})).status_code == 200


async def test_a_revoked_invite_is_gone(doors: Doors) -> None:
    code = await doors.invite()
    assert (await doors.revoke(code)).status_code == 204
    assert refusal(await doors.revoke(code)) == (404, "invite_not_found")
    assert refusal(await doors.revoke("no-uuid")) == (422, "invalid_invite_code")


async def test_an_invite_is_revoked_by_its_own_room_alone(doors: Doors) -> None:
    code = await doors.invite()
    assert refusal(await doors.revoke(code, await doors.create_room())) == (404, "invite_not_found")
    assert (await doors.start_invited(invite_code=code)).status_code == 200


# --- breakout rooms


async def test_a_breakout_room_is_a_room_of_its_own_with_its_parents_webhook_and_policy(
    doors: Doors, store: PostgresEventStore
) -> None:
    webhook = {"endPoint": "https://example.org/hook"}
    doors.room_id = await doors.create_room(webhook=webhook, consentPolicy="keep")
    answer = (await post(doors, "breakout_rooms", {"name": " Green  "}, bearer(roles=["crawler"]))).json()
    assert answer == {"breakout_room": str(UUID(answer["breakout_room"])), "name": "Green"}
    (created,) = await store.read(room_stream(answer["breakout_room"]))
    room = decode(created)
    assert isinstance(room, RoomCreated)
    assert (room.parent_room_id, room.webhook_url, room.consent_policy, room.custom_room_id) == (
        doors.room_id,
        "https://example.org/hook",
        "keep",
        None,
    )
    opened = decode((await store.read(room_stream(doors.room_id)))[-1])
    assert isinstance(opened, BreakoutRoomOpened)
    assert (opened.breakout_room_id, opened.name) == (answer["breakout_room"], "Green")


async def test_the_log_names_who_opened_a_breakout_room(doors: Doors, store: PostgresEventStore) -> None:
    await post(doors, "breakout_rooms", {"name": "Green"}, bearer(permissions=["allow_mod"], participant_id="mona"))
    await post(doors, "breakout_rooms", {"name": "Red"}, bearer(roles=["crawler"]))
    actors = [event.actor for event in await store.read(room_stream(doors.room_id))]
    assert actors[-2:] == ["participant:mona", "server:key"]


async def test_two_breakout_rooms_of_one_name_are_two(doors: Doors) -> None:
    one, another = await doors.breakout_room("Green"), await doors.breakout_room("Green")
    assert one != another
    for breakout_room in (one, another):
        assert (await doors.started({"breakout_room": breakout_room}))[1].room_id == breakout_room


async def test_a_breakout_room_has_no_breakout_rooms(doors: Doors) -> None:
    green = await doors.breakout_room()
    assert refusal(await doors.open_breakout_room("Deeper", green)) == (400, "nested_breakout_room")
    assert refusal(await doors.start({"breakout_room": green}, room_id=green)) == (400, "no_breakout_rooms")


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 101, "two\nlines", "bell\x07", "\x00", "\ud800", "\u202egnp.exe", "a\u2028b", None, 5, ["Green"]],
)
async def test_a_name_that_cannot_be_shown_is_refused(doors: Doors, name: Any) -> None:
    assert refusal(await doors.open_breakout_room(name)) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["x" * 100, "Gruppe Grün", "部屋 2", "👩‍💻"])
async def test_names_are_in_any_language(doors: Doors, name: str) -> None:
    assert (await doors.open_breakout_room(name)).json()["name"] == name


async def test_a_token_of_the_parent_announces_media_for_its_breakout_rooms(doors: Doors) -> None:
    green = await doors.breakout_room()
    bound = bearer(room_id=doors.room_id, roles=["crawler"])
    there = await doors.http.post(f"/v1/rooms/{green}/participants/alice/rtp", json={}, headers=bound)
    assert refusal(there) == (404, "participant_not_found")
    another = await doors.create_room()
    its_breakout_room = (await doors.open_breakout_room(room_id=another)).json()["breakout_room"]
    for other in (another, its_breakout_room, "no-such-room"):
        elsewhere = await doors.http.post(f"/v1/rooms/{other}/participants/alice/rtp", json={}, headers=bound)
        assert refusal(elsewhere) == (403, "forbidden")


# --- rooms


@pytest.mark.parametrize(
    ("body", "policy"), [({}, "clear"), ({"consentPolicy": "clear"}, "clear"), ({"consentPolicy": "keep"}, "keep")]
)
async def test_a_room_has_a_consent_policy(doors: Doors, store: PostgresEventStore, body: Any, policy: str) -> None:
    answer = (await doors.http.post("/v2/rooms", json=body, headers=bearer(roles=["crawler"]))).json()
    assert answer["consentPolicy"] == policy
    created = decode((await store.read(room_stream(answer["roomId"])))[0])
    assert isinstance(created, RoomCreated)
    assert created.consent_policy == policy


async def test_a_room_keeps_its_policy_and_says_so(doors: Doors) -> None:
    body = {"customRoomId": "standup", "consentPolicy": "keep"}
    first = (await doors.http.post("/v2/rooms", json=body, headers=bearer(roles=["crawler"]))).json()
    again = (
        await doors.http.post("/v2/rooms", json=body | {"consentPolicy": "clear"}, headers=bearer(roles=["crawler"]))
    ).json()
    assert first == again
    assert (first["customRoomId"], first["consentPolicy"]) == ("standup", "keep")


@pytest.mark.parametrize("policy", ["", "Keep", "forever", 5, True, ["keep"]])
async def test_there_are_no_other_policies(doors: Doors, policy: Any) -> None:
    answer = await doors.http.post("/v2/rooms", json={"consentPolicy": policy}, headers=bearer(roles=["crawler"]))
    assert refusal(answer) == (400, "invalid_request")
