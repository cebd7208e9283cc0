"""`start`: who comes in where, and as whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.gateway.adapters.codes import digest_of
from services.gateway.adapters.tickets import Admission
from tests.integration.gateway.doors import Doors, bearer, refusal


async def test_a_token_buys_a_ticket_and_a_resumption(doors: Doors) -> None:
    answer = await doors.start(participant_id="alice")
    assert answer.json().keys() == {"ticket", "resumption"}
    assert all(len(code) == 64 and code.isalnum() and code.isascii() for code in answer.json().values())
    resumption, admission = await doors.admitted(answer)
    assert admission == Admission(doors.room_id, "alice", "user", digest_of(resumption))


async def test_who_has_no_id_by_their_token_is_given_one(doors: Doors) -> None:
    (_, one), (_, another) = await doors.started(), await doors.started()
    assert UUID(one.participant_id) != UUID(another.participant_id)


@pytest.mark.parametrize(
    ("permissions", "role"),
    [(["allow_join", "allow_mod"], "moderator"), (["allow_join"], "user"), (["ask_join"], "guest")],
)
async def test_the_token_says_in_which_role(doors: Doors, permissions: list[str], role: str) -> None:
    assert (await doors.started(permissions=permissions))[1].role == role


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"breakout_room": None, "resumption": None, "invite_code": None, "password": None},
        {"invite_code": "no uuid", "password": "of whatever", "resumption": "unknown"},
        {"more": {"than": ["we", "know"]}},
    ],
)
async def test_what_a_client_leaves_out_or_adds_is_no_matter(doors: Doors, body: Any) -> None:
    assert (await doors.start(body)).status_code == 200


async def test_who_may_not_come_in_is_told_why(doors: Doors) -> None:
    nobody = await doors.http.post(f"/v1/rooms/{doors.room_id}/start")
    assert refusal(nobody) == (401, "unauthorized")
    assert refusal(await doors.start(since=timedelta(days=2))) == (401, "unauthorized")
    assert refusal(await doors.start(participant_id="no id/at all\x00")) == (401, "unauthorized")
    assert refusal(await doors.start(roles=["crawler"])) == (403, "forbidden")
    assert refusal(await doors.start(room_id="no-such-room")) == (404, "room_not_found")


async def test_a_token_of_another_room_is_refused_whether_there_is_this_one_or_not(doors: Doors) -> None:
    other = await doors.create_room()
    for room_id in (doors.room_id, "no-such-room"):
        path = f"/v1/rooms/{room_id}/start"
        assert refusal(await doors.http.post(path, headers=_bound_to(other))) == (403, "forbidden")


# --- coming back


async def test_a_resumption_gives_the_same_id_and_a_new_resumption_each_time(doors: Doors) -> None:
    resumption, first = await doors.started()
    second_resumption, second = await doors.started({"resumption": resumption})
    _, third = await doors.started({"resumption": second_resumption})
    assert first.participant_id == second.participant_id == third.participant_id
    assert first.resumption != second.resumption


async def test_a_resumption_gives_an_id_and_no_rights(doors: Doors) -> None:
    resumption, first = await doors.started(permissions=["allow_mod"])
    _, again = await doors.admitted(await doors.start_invited(invite_code=await doors.invite(), resumption=resumption))
    assert (again.participant_id, again.role) == (first.participant_id, "guest")


async def test_a_resumption_is_good_once(doors: Doors) -> None:
    resumption, first = await doors.started()
    await doors.started({"resumption": resumption})
    assert (await doors.started({"resumption": resumption}))[1].participant_id != first.participant_id


async def test_an_expired_or_unknown_resumption_is_as_none(doors: Doors, owner: asyncpg.Connection) -> None:
    resumption, first = await doors.started()
    await owner.execute("UPDATE resumptions SET expires_at = expires_at - interval '120 seconds'")
    for worthless in (resumption, "x" * 64, ""):
        assert (await doors.started({"resumption": worthless}))[1].participant_id != first.participant_id


async def test_a_resumption_of_another_room_is_as_none_and_is_not_used_up(doors: Doors) -> None:
    resumption, first = await doors.started()
    other = await doors.create_room()
    elsewhere = await doors.start({"resumption": resumption}, room_id=other)
    assert (await doors.admitted(elsewhere))[1].participant_id != first.participant_id
    assert (await doors.started({"resumption": resumption}))[1].participant_id == first.participant_id


async def test_the_tokens_own_id_counts_more_than_a_resumption(doors: Doors) -> None:
    resumption, _ = await doors.started()
    _, alice = await doors.started({"resumption": resumption}, participant_id="alice")
    assert alice.participant_id == "alice"


async def test_who_is_still_in_the_room_does_not_come_back_and_may_try_again_later(doors: Doors) -> None:
    resumption, first = await doors.started()
    await doors.come_in(first.participant_id)
    for _ in range(2):
        assert refusal(await doors.start({"resumption": resumption})) == (400, "session_running")
    await doors.go_out(first.participant_id)
    assert (await doors.started({"resumption": resumption}))[1].participant_id == first.participant_id


async def test_who_is_still_in_the_room_comes_in_twice_if_their_token_names_them(doors: Doors) -> None:
    resumption, _ = await doors.started(participant_id="alice")
    await doors.come_in("alice")
    assert (await doors.started({"resumption": resumption}, participant_id="alice"))[1].participant_id == "alice"


# --- invited


async def test_an_invite_lets_a_guest_in_without_a_token(doors: Doors) -> None:
    code = await doors.invite()
    resumption, first = await doors.admitted(await doors.start_invited(invite_code=code))
    assert (first.room_id, first.role) == (doors.room_id, "guest")
    again = await doors.start_invited(invite_code=code, resumption=resumption)
    assert (await doors.admitted(again))[1].participant_id == first.participant_id
    stranger = await doors.start_invited(invite_code=code)
    assert (await doors.admitted(stranger))[1].participant_id != first.participant_id


async def test_a_guest_who_is_still_in_the_room_does_not_come_back(doors: Doors) -> None:
    code = await doors.invite()
    resumption, first = await doors.admitted(await doors.start_invited(invite_code=code))
    await doors.come_in(first.participant_id)
    refused = await doors.start_invited(invite_code=code, resumption=resumption)
    assert refusal(refused) == (400, "session_running")


async def test_a_guest_needs_the_invites_password(doors: Doors) -> None:
    code = await doors.invite(password="secret")
    for wrong in ({}, {"password": None}, {"password": ""}, {"password": "guess"}):
        refused = await doors.start_invited(invite_code=code, **wrong)
        assert refusal(refused) == (401, "wrong_room_password")
    assert (await doors.start_invited(invite_code=code, password="secret")).status_code == 200


async def test_who_guesses_passwords_is_made_to_wait(doors: Doors, owner: asyncpg.Connection) -> None:
    code = await doors.invite(password="secret")
    await owner.execute("UPDATE invites SET wrong_passwords = 10, wrong_since = clock_timestamp()")
    assert refusal(await doors.start_invited(invite_code=code, password="secret")) == (429, "too_many_attempts")


async def test_invites_that_are_not_good_here_are_told_alike(doors: Doors, owner: asyncpg.Connection) -> None:
    elsewhere = await doors.invite(await doors.create_room(), password="secret")
    revoked = await doors.invite()
    assert (await doors.revoke(revoked)).status_code == 204
    expired = await doors.invite(expiration="2999-01-01T00:00:00+01:00")
    await owner.execute("UPDATE invites SET expires_at = now() WHERE expires_at IS NOT NULL")
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = [await doors.start_invited(invite_code=code) for code in (elsewhere, expired, revoked, unknown)]
    assert {refusal(answer) for answer in answers} == {(404, "invite_not_found")}
    assert len({answer.text for answer in answers}) == 1


async def test_who_has_no_invite_is_told_nothing_about_rooms(doors: Doors) -> None:
    refused = await doors.start_invited("no-such-room", invite_code=await doors.invite())
    assert refusal(refused) == (404, "invite_not_found")


@pytest.mark.parametrize("code", ["", "x", "no-uuid", "00000000-0000-4000-8000-00000000000g", "\x00"])
async def test_an_invite_code_that_is_no_uuid_is_told_so(doors: Doors, code: str) -> None:
    assert refusal(await doors.start_invited(invite_code=code)) == (422, "invalid_invite_code")


@pytest.mark.parametrize("body", [{}, {"invite_code": None}, {"invite_code": 5}, {"invite_code": "x" * 2000}])
async def test_who_sends_no_invite_code_is_told_so(doors: Doors, body: dict[str, Any]) -> None:
    assert refusal(await doors.start_invited(**body)) == (400, "invalid_request")


# --- breakout rooms


async def test_a_breakout_room_is_entered_by_its_parents_door(doors: Doors) -> None:
    green = await doors.breakout_room()
    code = await doors.invite()
    _, alice = await doors.started({"breakout_room": green}, participant_id="alice")
    assert (alice.room_id, alice.participant_id) == (green, "alice")
    _, guest = await doors.admitted(await doors.start_invited(invite_code=code, breakout_room=green.upper()))
    assert (guest.room_id, guest.role) == (green, "guest")


async def test_a_token_bound_to_the_parent_opens_its_breakout_rooms_and_no_other_door(doors: Doors) -> None:
    green = await doors.breakout_room()
    path, body = "/v1/rooms/{}/start", {"breakout_room": green}
    by_parent = await doors.http.post(path.format(doors.room_id), json=body, headers=_bound_to(doors.room_id))
    assert (await doors.admitted(by_parent))[1].room_id == green
    by_itself = await doors.http.post(path.format(green), headers=_bound_to(doors.room_id))
    assert refusal(by_itself) == (403, "forbidden")


async def test_an_invite_of_the_parent_is_none_of_its_breakout_rooms(doors: Doors) -> None:
    refused = await doors.start_invited(await doors.breakout_room(), invite_code=await doors.invite())
    assert refusal(refused) == (404, "invite_not_found")


async def test_a_room_without_breakout_rooms_says_so(doors: Doors) -> None:
    for breakout_room in ("00000000-0000-4000-8000-000000000000", "no uuid"):
        assert refusal(await doors.start({"breakout_room": breakout_room})) == (400, "no_breakout_rooms")


async def test_a_breakout_room_of_another_room_is_refused(doors: Doors) -> None:
    await doors.breakout_room()
    other = await doors.create_room()
    elsewhere = (await doors.open_breakout_room(room_id=other)).json()["breakout_room"]
    for breakout_room in (elsewhere, doors.room_id, "no uuid", "", "\x00"):
        assert refusal(await doors.start({"breakout_room": breakout_room})) == (400, "invalid_breakout_room_id")


async def test_a_resumption_is_good_in_the_breakout_room_it_was_given_for_alone(doors: Doors) -> None:
    green = await doors.breakout_room()
    resumption, in_green = await doors.started({"breakout_room": green})
    assert (await doors.started({"resumption": resumption}))[1].participant_id != in_green.participant_id
    await doors.come_in(in_green.participant_id)  # to the parent: that is another room
    _, again = await doors.started({"breakout_room": green, "resumption": resumption})
    assert again.participant_id == in_green.participant_id


async def test_who_is_still_in_the_breakout_room_does_not_come_back_to_it(doors: Doors) -> None:
    green = await doors.breakout_room()
    resumption, in_green = await doors.started({"breakout_room": green})
    await doors.come_in(in_green.participant_id, green)
    refused = await doors.start({"breakout_room": green, "resumption": resumption})
    assert refusal(refused) == (400, "session_running")


# --- garbage


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        5,
        {"breakout_room": 5},
        {"resumption": {}},
        {"resumption": "x" * 2000},
        {"resumption": "\ud800"},
        {"password": ["secret"]},
    ],
)
async def test_fields_of_a_wrong_type_are_named(doors: Doors, body: Any) -> None:
    refused = await doors.start(body)
    assert refusal(refused) == (400, "invalid_request")
    assert refused.json()["message"].startswith("body")


def _bound_to(room_id: str) -> dict[str, str]:
    return bearer(room_id=room_id)
