"""REST v2's sessions and participants, as VideoSDK's clients ask for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.integration.gateway.desk import Desk, crawler
from tests.integration.gateway.doors import bearer, refusal


def ids(page: Any) -> list[str]:
    return [session["id"] for session in page["data"]]


def people(session: Any) -> list[str]:
    return [each["participantId"] for each in session["participants"]]


async def test_a_session_tells_who_is_and_was_there_and_when(desk: Desk) -> None:
    room_id = await desk.room(customRoomId="weekly")
    session_id = await desk.session(room_id, "ann", "bob")
    await desk.doors.left(room_id, "ann")
    await desk.doors.joined(room_id, "ann", "two")

    session = await desk.told(f"sessions/{session_id}")

    bob, ann = session["participants"]
    assert (ann["participantId"], ann["name"], bob["participantId"], bob["name"]) == ("ann", "Ann", "bob", "Bob")
    assert [bool(stay["end"]) for stay in ann["timelog"]] == [True, False]
    assert ann["timelog"][0]["start"] <= ann["timelog"][0]["end"] <= ann["timelog"][1]["start"]
    assert [stay["end"] for stay in bob["timelog"]] == [None]
    about = {"id": session_id, "roomId": room_id, "customRoomId": "weekly", "status": "ongoing", "end": None}
    assert session == {**session, **about, "start": ann["timelog"][0]["start"]}
    assert session["links"] == {
        "get_room": f"http://gateway/v2/rooms/{room_id}",
        "get_session": f"http://gateway/v2/sessions/{session_id}",
    }


async def test_a_session_is_over_when_the_last_has_left(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann")
    await desk.doors.left(room_id, "ann")
    session = await desk.told(f"sessions/{session_id}")
    ends = [stay["end"] for stay in session["participants"][0]["timelog"]]
    assert (session["status"], [session["end"]]) == ("ended", ends)


# --- listing


async def test_sessions_are_listed_the_newest_first_with_who_was_there(desk: Desk) -> None:
    room_id, other = await desk.room(), await desk.room()
    first = await desk.session(room_id, "ann")
    second = await desk.session(other, "bob", "cy")
    page = await desk.told("sessions")
    assert ids(page) == [second, first]
    assert [people(session) for session in page["data"]] == [["cy", "bob"], ["ann"]]
    assert page["pageInfo"] == {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": 2}


async def test_pages_of_sessions_hold_each_once(desk: Desk) -> None:
    room_id, begun = await desk.room(), []
    for _ in range(5):
        begun.append(await desk.session(room_id, "ann"))
        await desk.doors.left(room_id, "ann")
    pages = [await desk.told("sessions", page=number, perPage=2) for number in (1, 2, 3)]
    assert [session_id for page in pages for session_id in ids(page)] == begun[::-1]
    assert pages[2]["pageInfo"] == {"currentPage": 3, "perPage": 2, "lastPage": 3, "total": 5}


async def test_sessions_are_looked_for(desk: Desk) -> None:
    weekly, other = await desk.room(customRoomId="weekly"), await desk.room()
    over = await desk.session(weekly, "ann")
    await desk.doors.left(weekly, "ann")
    live, elsewhere = await desk.session(weekly, "bob"), await desk.session(other, "cy")
    start = (await desk.told(f"sessions/{live}"))["start"]
    at = int(datetime.fromisoformat(start).timestamp() * 1000)
    for query, found in (
        ({"roomId": weekly}, [live, over]),
        ({"roomId": "nowhere"}, []),
        ({"customRoomId": "weekly"}, [live, over]),
        ({"status": "ended"}, [over]),
        ({"status": "ongoing", "roomId": weekly}, [live]),
        ({"startDate": at}, [elsewhere, live]),
        ({"endDate": at}, [over]),
        ({"query": "BOB"}, [live]),
        ({"query": "Ann"}, [over]),
        ({"query": elsewhere}, [elsewhere]),
        ({"query": "%"}, []),
        ({"query": "", "roomId": "", "customRoomId": ""}, [elsewhere, live, over]),
    ):
        page = await desk.told("sessions", **query)
        assert (ids(page), page["pageInfo"]["total"]) == (found, len(found)), query


@pytest.mark.parametrize(
    "query", [{"status": "over"}, {"startDate": "today"}, {"startDate": -1}, {"endDate": 10**18}, {"query": "\x00"}]
)
async def test_what_cannot_be_looked_for_is_refused(desk: Desk, query: Any) -> None:
    assert refusal(await desk.get("sessions", **query)) == (400, "invalid_request")


# --- participants


async def test_participants_are_paged_within_one_object(desk: Desk) -> None:
    session_id = await desk.session(await desk.room(), "ann", "bob", "cy")
    page = await desk.told(f"sessions/{session_id}/participants", page=1, perPage=2)
    assert (page["data"]["id"], people(page["data"])) == (session_id, ["cy", "bob"])
    assert page["pageInfo"] == {"currentPage": 1, "perPage": 2, "lastPage": 2, "total": 3}
    rest = await desk.told(f"sessions/{session_id}/participants", page=2, perPage=2)
    assert people(rest["data"]) == ["ann"]


async def test_active_participants_are_those_who_are_there_within_an_array_of_one(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann", "bob", "cy")
    await desk.doors.left(room_id, "bob")
    page = await desk.told(f"sessions/{session_id}/participants/active", perPage=1)
    assert [(session["id"], people(session)) for session in page["data"]] == [(session_id, ["cy"])]
    assert page["pageInfo"] == {"currentPage": 1, "perPage": 1, "lastPage": 2, "total": 2}


async def test_in_a_session_that_is_over_nobody_is_active(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann")
    await desk.doors.left(room_id, "ann")
    page = await desk.told(f"sessions/{session_id}/participants/active")
    assert ([people(session) for session in page["data"]], page["pageInfo"]["total"]) == ([[]], 0)


async def test_one_participant_is_told_alone(desk: Desk) -> None:
    session_id = await desk.session(await desk.room(), "ann", "bob")
    ann = await desk.told(f"sessions/{session_id}/participants/ann")
    assert ann == {"participantId": "ann", "name": "Ann", "timelog": ann["timelog"]}
    assert [stay["end"] for stay in ann["timelog"]] == [None]
    assert refusal(await desk.get(f"sessions/{session_id}/participants/cy")) == (404, "participant_not_found")


async def test_a_session_that_never_was_is_not_found(desk: Desk) -> None:
    for path in ("", "/participants", "/participants/active", "/participants/ann"):
        assert refusal(await desk.get(f"sessions/{'0' * 24}{path}")) == (404, "session_not_found")


# --- ending and removing


@pytest.mark.parametrize("names_session", [True, False])
async def test_a_session_is_ended_and_shown(desk: Desk, names_session: bool) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann", "bob")
    body = {"roomId": room_id, "vsdkForceKill": True} | ({"sessionId": session_id} if names_session else {})

    session = await desk.asked("sessions/end", body)

    ends = [stay["end"] for each in session["participants"] for stay in each["timelog"]]
    assert (session["id"], session["status"], ends) == (session_id, "ended", [session["end"]] * 2)
    assert refusal(await desk.post("sessions/end", body)) == (404, "session_not_found")


async def test_a_session_that_is_not_live_is_not_ended(desk: Desk) -> None:
    room_id = await desk.room()
    assert refusal(await desk.post("sessions/end", {"roomId": room_id})) == (404, "session_not_found")
    session_id = await desk.session(room_id, "ann")
    earlier = {"roomId": room_id, "sessionId": "0" * 24}
    assert refusal(await desk.post("sessions/end", earlier)) == (404, "session_not_found")
    assert refusal(await desk.post("sessions/end", {"roomId": "nowhere"})) == (400, "room_not_found")
    assert refusal(await desk.post("sessions/end", {})) == (400, "invalid_request")
    assert (await desk.told(f"sessions/{session_id}"))["status"] == "ongoing"


@pytest.mark.parametrize("named", [("roomId",), ("sessionId",), ("roomId", "sessionId")])
async def test_a_participant_is_removed_from_where_they_are(desk: Desk, named: tuple[str, ...]) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann", "bob")
    where = {"roomId": room_id, "sessionId": session_id}
    body = {"participantId": "ann", **{name: where[name] for name in named}}

    session = await desk.asked("sessions/participants/remove", body)

    open_ends = {each["participantId"]: each["timelog"][-1]["end"] is None for each in session["participants"]}
    assert (session["status"], open_ends) == ("ongoing", {"ann": False, "bob": True})
    assert refusal(await desk.post("sessions/participants/remove", body)) == (404, "participant_not_found")
    last = await desk.asked("sessions/participants/remove", {**body, "participantId": "bob"})
    assert (last["id"], last["status"]) == (session_id, "ended")
    assert refusal(await desk.post("sessions/participants/remove", body)) == (404, "session_not_found")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"participantId": "ann"}, (400, "invalid_request")),
        ({"participantId": "ann", "roomId": None, "sessionId": None}, (400, "invalid_request")),
        ({"participantId": "", "roomId": "any"}, (400, "invalid_request")),
        ({"roomId": "any"}, (400, "invalid_request")),
        ({"participantId": "ann", "roomId": "nowhere"}, (400, "room_not_found")),
        ({"participantId": "ann", "sessionId": "0" * 24}, (404, "session_not_found")),
    ],
)
async def test_nobody_is_removed_from_nowhere(desk: Desk, body: Any, told: tuple[int, str]) -> None:
    assert refusal(await desk.post("sessions/participants/remove", body)) == told


# --- who may


def reads(session_id: str) -> list[str]:
    of_one = (f"sessions/{session_id}{rest}" for rest in ("", "/participants", "/participants/active"))
    return ["sessions", *of_one, f"sessions/{session_id}/participants/ann"]


async def test_without_a_token_or_with_one_for_joining_nothing_is_told(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann")
    removal = {"roomId": room_id, "participantId": "ann"}
    joining = bearer(roles=["rtc"], permissions=["allow_mod"])
    for headers, told in (({"Accept": "*/*"}, (401, "unauthorized")), (joining, (403, "forbidden"))):
        for path in reads(session_id):
            assert refusal(await desk.get(path, headers=headers)) == told
        typed = {**headers, "Content-Type": "application/json"}
        assert refusal(await desk.post("sessions/end", {"roomId": room_id}, typed)) == told
        assert refusal(await desk.post("sessions/participants/remove", removal, typed)) == told


async def test_any_server_reads_and_who_moderates_ends(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann", "bob")
    for path in reads(session_id):
        assert (await desk.get(path, headers=bearer())).status_code == 200
    removal = {"roomId": room_id, "participantId": "ann"}
    assert refusal(await desk.post("sessions/end", {"roomId": room_id}, bearer())) == (403, "forbidden")
    assert refusal(await desk.post("sessions/participants/remove", removal, bearer())) == (403, "forbidden")
    moderating = bearer(permissions=["allow_mod"])
    assert (await desk.post("sessions/participants/remove", removal, moderating)).status_code == 200
    assert (await desk.post("sessions/end", {"roomId": room_id}, moderating)).status_code == 200


async def test_a_token_that_is_bound_to_a_room_sees_and_ends_its_sessions_alone(desk: Desk) -> None:
    mine, other = await desk.room(), await desk.room()
    session_id, others = await desk.session(mine, "ann"), await desk.session(other, "ann")
    bound = crawler(room_id=mine)
    page = (await desk.get("sessions", headers=bound)).json()
    assert (ids(page), page["pageInfo"]["total"]) == ([session_id], 1)
    assert refusal(await desk.get("sessions", headers=bound, roomId=other)) == (403, "forbidden")
    for path in reads(others)[1:]:
        assert refusal(await desk.get(path, headers=bound)) == (403, "forbidden")
    ends: tuple[Any, ...] = ({"roomId": other}, {"roomId": other, "sessionId": others})
    for body in ends:
        assert refusal(await desk.post("sessions/end", body, bound)) == (403, "forbidden")
    for where in ({"roomId": other}, {"sessionId": others}):
        removal = {"participantId": "ann", **where}
        assert refusal(await desk.post("sessions/participants/remove", removal, bound)) == (403, "forbidden")
    still_there = (await desk.get(f"sessions/{others}/participants/active", headers=crawler())).json()
    assert still_there["pageInfo"]["total"] == 1, "what was refused was not done"
    assert (await desk.post("sessions/end", {"roomId": mine}, bound)).status_code == 200


async def test_a_token_that_is_bound_to_a_participant_is_about_them_alone(desk: Desk) -> None:
    room_id = await desk.room()
    session_id = await desk.session(room_id, "ann", "bob")
    bound = crawler(participant_id="ann")
    *of_all, of_ann = reads(session_id)
    for path in (*of_all, f"sessions/{session_id}/participants/bob"):
        assert refusal(await desk.get(path, headers=bound)) == (403, "forbidden")
    assert (await desk.get(of_ann, headers=bound)).status_code == 200
    assert refusal(await desk.post("sessions/end", {"roomId": room_id}, bound)) == (403, "forbidden")
    removal = {"roomId": room_id, "participantId": "bob"}
    assert refusal(await desk.post("sessions/participants/remove", removal, bound)) == (403, "forbidden")
    mine = {**removal, "participantId": "ann"}
    assert (await desk.post("sessions/participants/remove", mine, bound)).status_code == 200
