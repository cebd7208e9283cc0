"""REST v2's rooms, as VideoSDK's clients ask for them."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import pytest

from shared.contracts.room import room_stream
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.gateway.desk import Desk, crawler
from tests.integration.gateway.doors import bearer, refusal

_HEX = re.compile(r"[0-9a-f]{24}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

#: All that can be asked, and how it is answered where that differs.
ALL: dict[str, Any] = {
    "customRoomId": "weekly",
    "webhook": {"endPoint": "https://example.org/hook", "events": ["session*"]},
    "autoCloseConfig": {"type": "session-end-and-deactivate", "duration": 90},
    "allowedParticipantIds": ["ann", "bob"],
    "consentPolicy": "clear",
    "withdrawalPolicy": "erase",
    "consentAttestation": {"reference": "contract 7"},
    "media": {"type": "rtp"},
    "storagePrefix": "team/meetings",
}


# --- making one


async def test_a_room_is_made_of_no_body_and_no_content_type(desk: Desk) -> None:
    """As VideoSDK's agents ask for one."""
    token = {"Authorization": crawler()["Authorization"].removeprefix("Bearer ")}
    answer = await desk.doors.http.post("/v2/rooms", headers=token)
    assert "content-type" not in answer.request.headers
    room = answer.json()
    plain = {"consentPolicy": "clear", "withdrawalPolicy": "keep"}
    assert (answer.status_code, room) == (200, {**room, "disabled": False, **plain})
    assert re.fullmatch(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", room["roomId"])
    assert all(_HEX.fullmatch(room[name]) for name in ("id", "userId"))
    assert all(_MOMENT.fullmatch(room[name]) for name in ("createdAt", "updatedAt"))
    assert [room[name] for name in ALL.keys() - plain] == [None] * 7
    assert room["links"] == {
        "get_room": f"http://gateway/v2/rooms/{room['roomId']}",
        "get_session": "http://gateway/v2/sessions",
    }


async def test_a_room_has_what_was_asked_for_also_later(desk: Desk) -> None:
    made = await desk.asked("rooms", {**ALL, "geoFence": {"regions": ["eu"]}, "multiComposition": True, "else": [1]})
    assert made == {**made, **ALL}
    assert await desk.told(f"rooms/{made['roomId']}") == made


async def test_a_field_that_is_null_is_absent(desk: Desk) -> None:
    nulls = {**dict.fromkeys(ALL), "autoStartConfig": None, "webhook": {"endPoint": "http://e.org", "events": None}}
    room = await desk.asked("rooms", nulls)
    assert room["webhook"] == {"endPoint": "http://e.org", "events": []}
    assert room["autoCloseConfig"] is None


async def test_what_is_empty_is_absent_and_slashes_around_a_folder_mean_nothing(desk: Desk) -> None:
    room, other = [await desk.asked("rooms", {"customRoomId": "", "storagePrefix": "/team/"}) for _ in range(2)]
    assert (room["customRoomId"], room["storagePrefix"]) == (None, "team")
    assert room["roomId"] != other["roomId"]


async def test_an_empty_target_is_none(desk: Desk) -> None:
    room = await desk.asked("rooms", {"webhook": {"endPoint": "", "events": ["session*"]}})
    assert room["webhook"] is None


async def test_who_vouches_keeps_consent_unless_they_say_otherwise(desk: Desk) -> None:
    room = await desk.asked("rooms", {"consentAttestation": {}})
    assert (room["consentPolicy"], room["consentAttestation"]) == ("keep", {})


async def test_a_session_closes_after_eight_hours_if_no_duration_is_said(desk: Desk) -> None:
    room = await desk.asked("rooms", {"autoCloseConfig": {"type": "session-ends"}})
    assert room["autoCloseConfig"] == {"type": "session-ends", "duration": 480}


async def test_the_same_custom_id_gives_the_room_as_it_was_made_first(desk: Desk) -> None:
    first = await desk.asked("rooms", ALL)
    assert await desk.asked("rooms", {"customRoomId": "weekly", "storagePrefix": "other"}) == first


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"autoStartConfig": {"recording": {}}}, "not_supported"),
        ({"customRoomId": "a\x00b"}, "invalid_request"),
        ({"webhook": {}}, "invalid_request"),
        ({"webhook": {"endPoint": "ftp://example.org"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://"}}, "invalid_request"),
        ({"webhook": {"endPoint": "Your Webhook URL"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://xn--a/hook"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://.example.org/"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org:0/"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org:65536/"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org/\u202e"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org/\x1b[2J"}}, "invalid_request"),
        ({"webhook": {"endPoint": "https://example.org/" + "x" * 512}}, "invalid_request"),
        ({"autoCloseConfig": {"type": "never"}}, "invalid_request"),
        ({"autoCloseConfig": {"type": "session-ends", "duration": 0}}, "invalid_request"),
        ({"autoCloseConfig": {"type": "session-ends", "duration": 10**9}}, "invalid_request"),
        ({"allowedParticipantIds": []}, "invalid_request"),
        ({"allowedParticipantIds": ["no id"]}, "invalid_request"),
        ({"consentPolicy": "forget"}, "invalid_request"),
        ({"withdrawalPolicy": "forget"}, "invalid_request"),
        ({"withdrawalPolicy": True}, "invalid_request"),
        ({"consentAttestation": {"reference": ""}}, "invalid_request"),
        ({"media": {"type": "webrtc"}}, "invalid_request"),
        ({"storagePrefix": "../up"}, "invalid_request"),
        ({"storagePrefix": "my folder"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_is_refused(desk: Desk, body: Any, code: str) -> None:
    assert refusal(await desk.post("rooms", body)) == (400, code)


# --- finding them


async def test_a_room_is_found_by_each_of_its_names(desk: Desk) -> None:
    room = await desk.asked("rooms", {"customRoomId": "weekly"})
    for name in (room["roomId"], "weekly", room["id"]):
        assert await desk.told(f"rooms/{name}") == room
        assert await desk.told(f"rooms/validate/{name}") == room
        assert await desk.asked(f"rooms/validate/{name}") == room


async def test_rooms_are_listed_the_newest_first_and_page_by_page_each_once(desk: Desk) -> None:
    made = [await desk.room() for _ in range(5)]
    pages = [await desk.told("rooms", page=number, perPage=2) for number in (1, 2, 3, 4)]
    assert [[room["roomId"] for room in page["data"]] for page in pages] == [
        *(made[4:2:-1], made[2:0:-1], made[:1]),
        [],
    ]
    assert pages[1]["pageInfo"] == {"currentPage": 2, "perPage": 2, "lastPage": 3, "total": 5}


async def test_an_empty_list_has_one_page(desk: Desk) -> None:
    assert await desk.told("rooms") == {
        "pageInfo": {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": 0},
        "data": [],
    }


async def test_a_page_has_a_hundred_at_most_and_says_so(desk: Desk) -> None:
    assert (await desk.told("rooms", perPage=101))["pageInfo"]["perPage"] == 100


@pytest.mark.parametrize("query", [{"page": 0}, {"page": -1}, {"page": "x"}, {"perPage": 0}, {"query": "\x00"}])
async def test_a_page_that_cannot_be_is_refused(desk: Desk, query: Any) -> None:
    assert refusal(await desk.get("rooms", **query)) == (400, "invalid_request")


async def test_rooms_are_looked_for_by_their_names(desk: Desk) -> None:
    weekly, other = await desk.room(customRoomId="weekly"), await desk.room()
    for query, found in (("weekly", [weekly]), (other, [other]), ("week", [])):
        assert [room["roomId"] for room in (await desk.told("rooms", query=query))["data"]] == found


async def test_a_room_that_is_not_there_is_a_bad_request(desk: Desk) -> None:
    for path in ("rooms/nowhere", "rooms/validate/nowhere"):
        assert refusal(await desk.get(path)) == (400, "room_not_found")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": "nowhere"})) == (400, "room_not_found")
    assert refusal(await desk.get("rooms/%00")) == (400, "invalid_request")


# --- deactivating one


async def test_a_deactivated_room_is_shown_as_such_and_is_not_valid(desk: Desk) -> None:
    room = await desk.asked("rooms", ALL)
    disabled = await desk.asked("rooms/deactivate", {"roomId": room["roomId"]})
    assert disabled == {**room, "disabled": True, "updatedAt": disabled["updatedAt"]}
    assert await desk.asked("rooms/deactivate", {"roomId": room["roomId"]}) == disabled
    assert await desk.told(f"rooms/{room['roomId']}") == disabled
    assert refusal(await desk.get(f"rooms/validate/{room['roomId']}")) == (400, "room_deactivated")


async def test_a_room_is_deactivated_by_its_own_id_only(desk: Desk) -> None:
    await desk.room(customRoomId="weekly")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": "weekly"})) == (400, "room_not_found")
    assert refusal(await desk.post("rooms/deactivate", {})) == (400, "invalid_request")


async def test_nobody_gets_a_ticket_to_a_deactivated_room_or_its_breakout_rooms(desk: Desk) -> None:
    room_id = desk.doors.room_id = await desk.room()
    breakout, invite = await desk.doors.breakout_room(), await desk.doors.invite()
    await desk.asked("rooms/deactivate", {"roomId": room_id})
    for answer in (
        await desk.doors.start(),
        await desk.doors.start({"breakout_room": breakout}),
        await desk.doors.start(room_id=breakout),
        await desk.doors.start_invited(invite_code=invite),
    ):
        assert refusal(answer) == (400, "room_deactivated")


async def test_only_who_is_allowed_gets_a_ticket(desk: Desk) -> None:
    desk.doors.room_id = await desk.room(allowedParticipantIds=["ann"])
    assert (await desk.doors.start(participant_id="ann")).status_code == 200
    for refused in (
        await desk.doors.start(participant_id="bob"),
        await desk.doors.start(),
        await desk.doors.start_invited(invite_code=await desk.doors.invite()),
    ):
        assert refusal(refused) == (403, "participant_not_allowed")


# --- who may


async def test_without_a_token_nothing_is_told(desk: Desk) -> None:
    nobody = {"Content-Type": "application/json"}
    for path in ("rooms", "rooms/any", "rooms/validate/any"):
        assert refusal(await desk.get(path, headers=nobody)) == (401, "unauthorized")
    for path in ("rooms", "rooms/validate/any"):
        assert refusal(await desk.post(path, headers=nobody)) == (401, "unauthorized")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": "any"}, nobody)) == (401, "unauthorized")


async def test_a_token_for_joining_only_asks_nothing_of_rest(desk: Desk) -> None:
    room_id, joining = await desk.room(), bearer(roles=["rtc"], permissions=["allow_mod"])
    for path in ("rooms", f"rooms/{room_id}", f"rooms/validate/{room_id}"):
        assert refusal(await desk.get(path, headers=joining)) == (403, "forbidden")
    assert refusal(await desk.post("rooms", headers=joining)) == (403, "forbidden")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": room_id}, joining)) == (403, "forbidden")


async def test_a_token_that_is_bound_to_a_room_sees_that_one_and_makes_none(desk: Desk) -> None:
    mine, other = await desk.room(), await desk.room()
    bound = crawler(room_id=mine)
    listed = (await desk.get("rooms", headers=bound)).json()
    assert ([room["roomId"] for room in listed["data"]], listed["pageInfo"]["total"]) == ([mine], 1)
    assert (await desk.get(f"rooms/{mine}", headers=bound)).status_code == 200
    for path in (f"rooms/{other}", f"rooms/validate/{other}"):
        assert refusal(await desk.get(path, headers=bound)) == (403, "forbidden")
    assert refusal(await desk.post("rooms", headers=bound)) == (403, "forbidden")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": other}, bound)) == (403, "forbidden")
    assert (await desk.post("rooms/deactivate", {"roomId": mine}, bound)).status_code == 200


_PLAIN_ROOM: dict[str, Any] = {"customRoomId": "plain", "geoFence": {}, "consentPolicy": None}


@pytest.mark.parametrize("name", [name for name in ALL if name != "customRoomId"])
async def test_how_a_room_shall_be_is_for_servers_and_moderators_to_say(desk: Desk, name: str) -> None:
    body = {name: ALL[name]}
    for headers in (bearer(), bearer(permissions=["ask_join"])):
        assert refusal(await desk.post("rooms", body, headers)) == (403, "forbidden")
    for headers in (crawler(), bearer(permissions=["allow_mod"])):
        assert (await desk.post("rooms", body, headers)).status_code == 200


async def test_whoever_may_join_makes_a_plain_room_and_a_guest_makes_none(desk: Desk) -> None:
    for headers in (bearer(), bearer(permissions=["allow_mod"]), crawler(permissions=["ask_join"])):
        assert (await desk.post("rooms", _PLAIN_ROOM, headers)).status_code == 200
    for body in (None, {}, _PLAIN_ROOM):
        assert refusal(await desk.post("rooms", body, bearer(permissions=["ask_join"]))) == (403, "forbidden")


async def test_only_who_may_arrange_a_room_is_shown_how_it_is_arranged(desk: Desk) -> None:
    room = await desk.asked("rooms", ALL)
    hidden = dict.fromkeys(("webhook", "allowedParticipantIds", "consentAttestation", "storagePrefix"))
    for path in (f"rooms/{room['roomId']}", f"rooms/validate/{room['roomId']}"):
        for headers in (crawler(), bearer(permissions=["allow_mod"])):
            assert (await desk.get(path, headers)).json() == room
        for claims in ({}, {"participant_id": "ann"}, {"participant_id": "ann", "permissions": ["allow_mod"]}):
            answer = await desk.get(path, bearer(**claims))
            assert (answer.status_code, answer.json()) == (200, room | hidden)
    again = await desk.post("rooms", {"customRoomId": room["customRoomId"]}, bearer())
    assert again.json() == room | hidden


async def test_a_participant_does_not_list_rooms(desk: Desk) -> None:
    for headers in (bearer(participant_id="ann"), crawler(participant_id="ann")):
        assert refusal(await desk.get("rooms", headers)) == (403, "forbidden")


async def test_any_server_reads_and_makes_rooms_and_who_moderates_deactivates_them(desk: Desk) -> None:
    room_id, plain = await desk.room(), bearer()
    assert (await desk.post("rooms", headers=plain)).status_code == 200
    assert (await desk.get(f"rooms/{room_id}", headers=plain)).status_code == 200
    assert refusal(await desk.post("rooms/deactivate", {"roomId": room_id}, plain)) == (403, "forbidden")
    moderating = bearer(permissions=["allow_mod"])
    assert (await desk.post("rooms/deactivate", {"roomId": room_id}, moderating)).status_code == 200
    for_ann = bearer(permissions=["allow_mod"], participant_id="ann")
    assert refusal(await desk.post("rooms/deactivate", {"roomId": room_id}, for_ann)) == (403, "forbidden")
    assert refusal(await desk.post("rooms", headers=for_ann)) == (403, "forbidden")


async def test_the_log_names_the_server_that_did_it(desk: Desk, tables: asyncpg.Pool) -> None:
    room_id = await desk.room()
    await desk.asked("rooms/deactivate", {"roomId": room_id})
    stored = await PostgresEventStore(tables).read(room_stream(room_id))
    assert [event.actor for event in stored] == ["server:key", "server:key"]


# --- slashes


async def test_one_slash_at_the_end_of_a_path_changes_nothing(desk: Desk) -> None:
    room_id = await desk.room()
    for path in ("rooms", f"rooms/{room_id}", f"rooms/validate/{room_id}", "sessions"):
        assert await desk.told(f"{path}/") == await desk.told(path)
    assert (await desk.post("rooms/")).status_code == 200
    assert (await desk.post("rooms/deactivate/", {"roomId": room_id})).status_code == 200


async def test_nothing_is_answered_by_a_redirect(desk: Desk) -> None:
    for path in ("rooms//", "sessions//", "/", "nowhere/"):
        assert refusal(await desk.get(path))[0] in {400, 404}
    assert refusal(await desk.doors.http.post("/v1/rooms/any/start/"))[0] == 404
