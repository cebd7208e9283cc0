"""Tickets: how somebody gets to the signaling WebSocket, and what is answered when they may not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.signaling.client import Site
from tests.e2e.signaling.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TOKEN = re.compile(r"[A-Za-z0-9]{64}")
_NOBODYS_UUID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"breakout_room": None, "resumption": None},
        {"breakout_room": None, "resumption": None, "invite_code": None, "password": None, "something": "else"},
    ],
)
async def test_a_token_buys_a_ticket_and_a_resumption(site: Site, room: Room, body: Any) -> None:
    answer = await site.post(f"/v1/rooms/{room.room_id}/start", body, site.token())

    assert answer.status_code == 200
    assert answer.json().keys() == {"ticket", "resumption"}
    assert all(_TOKEN.fullmatch(value) for value in answer.json().values())


async def test_without_a_good_token_there_is_no_ticket(site: Site, room: Room) -> None:
    expired = site.token(exp=datetime.now(UTC) - timedelta(minutes=1))
    others = site.token(apikey="another")
    for token in (None, "nonsense", expired, others):
        answer = await site.post(f"/v1/rooms/{room.room_id}/start", {}, token)
        _assert_error(answer, 401, "unauthorized")


async def test_a_token_for_another_room_is_forbidden(site: Site, room: Room) -> None:
    another = await site.create_room()
    answer = await site.post(f"/v1/rooms/{room.room_id}/start", {}, site.token(roomId=another))
    _assert_error(answer, 403, "forbidden")


async def test_a_token_for_this_room_is_good_for_it(site: Site, room: Room) -> None:
    client = await room.connect(site.token("alice", roomId=room.room_id))
    assert (await client.join("Alice"))["id"] == "alice"


async def test_a_servers_token_does_not_let_anybody_in(site: Site, room: Room) -> None:
    answer = await site.post(f"/v1/rooms/{room.room_id}/start", {}, site.server_token())
    _assert_error(answer, 403, "forbidden")


async def test_an_unknown_room_is_not_found(site: Site) -> None:
    answer = await site.post("/v1/rooms/nowh-erex-atal/start", {}, site.token())
    _assert_error(answer, 404, "room_not_found")


async def test_a_token_without_participant_gets_a_new_id(site: Site, room: Room) -> None:
    ids = {(await (await room.connect(site.token())).join("Somebody"))["id"] for _ in range(2)}

    assert len(ids) == 2
    assert all(len(each) == 36 for each in ids)


async def test_a_ticket_opens_one_connection_at_any_gateway(site: Site, room: Room) -> None:
    ticket = (await site.ticket(room.room_id, site.token("alice"), at=0))["ticket"]
    alice = await room.admit(ticket, at=1)
    assert (await alice.join("Alice"))["id"] == "alice"

    with pytest.raises(InvalidStatus) as denied:
        await room.admit(ticket, at=0)
    assert denied.value.response.status_code == 401


# ------------------------------------------------------------------------------------------------------------ guests


async def test_an_invite_lets_a_guest_in_without_a_token(site: Site, room: Room) -> None:
    code = await _invite(site, room, site.token(role="moderator"))

    answer = await site.post(f"/v1/rooms/{room.room_id}/start_invited", {"invite_code": code}, at=1)

    assert answer.status_code == 200
    assert answer.json().keys() == {"ticket", "resumption"}
    assert all(_TOKEN.fullmatch(value) for value in answer.json().values())
    guest = await room.admit(answer.json()["ticket"])
    assert (await guest.join("Gus"))["role"] == "guest"


async def test_an_invite_takes_nulls_for_what_is_not_given(site: Site, room: Room) -> None:
    code = await _invite(site, room, site.server_token())
    body = {"password": None, "invite_code": code, "breakout_room": None, "resumption": None}
    assert (await site.post(f"/v1/rooms/{room.room_id}/start_invited", body)).status_code == 200


async def test_an_invite_with_a_password_asks_for_it(site: Site, room: Room) -> None:
    code = await _invite(site, room, site.server_token(), password="sesame")
    path = f"/v1/rooms/{room.room_id}/start_invited"

    _assert_error(await site.post(path, {"invite_code": code}), 401, "wrong_room_password")
    _assert_error(await site.post(path, {"invite_code": code, "password": "Sesame"}), 401, "wrong_room_password")
    assert (await site.post(path, {"invite_code": code, "password": "sesame"})).status_code == 200


async def test_an_unknown_invite_is_not_found(site: Site, room: Room) -> None:
    answer = await site.post(f"/v1/rooms/{room.room_id}/start_invited", {"invite_code": str(uuid4())})
    _assert_error(answer, 404, "invite_not_found")


async def test_an_invite_is_for_its_room_alone(site: Site, room: Room) -> None:
    code = await _invite(site, room, site.server_token())
    another = await site.create_room()
    answer = await site.post(f"/v1/rooms/{another}/start_invited", {"invite_code": code})
    _assert_error(answer, 404, "invite_not_found")


async def test_a_revoked_invite_is_not_found(site: Site, room: Room) -> None:
    code = await _invite(site, room, site.server_token())
    path = f"/v1/rooms/{room.room_id}/invites/{code}"
    assert (await site.request("DELETE", path, token=site.server_token())).is_success

    answer = await site.post(f"/v1/rooms/{room.room_id}/start_invited", {"invite_code": code}, at=1)
    _assert_error(answer, 404, "invite_not_found")


async def test_an_expired_invite_is_not_found(site: Site, room: Room) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    future = (datetime.now(UTC) + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    path = f"/v1/rooms/{room.room_id}/start_invited"

    good = await _invite(site, room, site.server_token(), expiration=future)
    assert (await site.post(path, {"invite_code": good})).status_code == 200
    expired = await site.post(f"/v1/rooms/{room.room_id}/invites", {"expiration": past}, site.server_token())
    if expired.is_success:  # a gateway may also refuse to make such an invite
        _assert_error(await site.post(path, {"invite_code": expired.json()["invite_code"]}), 404, "invite_not_found")


@pytest.mark.parametrize("code", ["", "nonsense", "12345"])
async def test_an_invite_code_that_is_no_uuid_is_invalid(site: Site, room: Room, code: str) -> None:
    answer = await site.post(f"/v1/rooms/{room.room_id}/start_invited", {"invite_code": code})
    _assert_error(answer, 422, "invalid_invite_code")


async def test_only_moderators_and_servers_make_invites(site: Site, room: Room) -> None:
    path = f"/v1/rooms/{room.room_id}/invites"
    _assert_error(await site.post(path, {}), 401, "unauthorized")
    assert (await site.post(path, {}, site.token("alice"))).status_code == 403
    assert (await site.post(path, {}, site.token("mona", "moderator"))).is_success


# ---------------------------------------------------------------------------------------------------- breakout rooms


async def test_a_room_without_breakout_rooms_says_so(site: Site, room: Room) -> None:
    answer = await site.post(f"/v1/rooms/{room.room_id}/start", {"breakout_room": _NOBODYS_UUID}, site.token())
    _assert_error(answer, 400, "no_breakout_rooms")


async def test_an_unknown_breakout_room_is_invalid(site: Site, room: Room) -> None:
    await room.breakout()
    for unknown in (_NOBODYS_UUID, "nonsense"):
        answer = await site.post(f"/v1/rooms/{room.room_id}/start", {"breakout_room": unknown}, site.token())
        _assert_error(answer, 400, "invalid_breakout_room_id")


async def test_a_guest_gets_into_a_breakout_room(site: Site, room: Room) -> None:
    corner = await room.breakout()
    code = await _invite(site, room, site.server_token())
    body = {"invite_code": code, "breakout_room": corner.breakout_room}
    answer = await site.post(f"/v1/rooms/{room.room_id}/start_invited", body)
    assert answer.status_code == 200


async def test_only_moderators_and_servers_open_breakout_rooms(site: Site, room: Room) -> None:
    path = f"/v1/rooms/{room.room_id}/breakout_rooms"
    _assert_error(await site.post(path, {"name": "Corner"}), 401, "unauthorized")
    assert (await site.post(path, {"name": "Corner"}, site.token("alice"))).status_code == 403
    opened = await site.post(path, {"name": "Corner"}, site.token("mona", "moderator"))
    assert opened.is_success
    assert opened.json()["name"] == "Corner"
    assert len(opened.json()["breakout_room"]) == 36


async def _invite(site: Site, room: Room, token: str, **body: Any) -> str:
    answer = await site.post(f"/v1/rooms/{room.room_id}/invites", body, token)
    assert answer.is_success, answer.text
    return str(answer.json()["invite_code"])


def _assert_error(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["message"]
