"""Sessions, and who is and was there; ended, and somebody removed, under clients that are connected."""

from __future__ import annotations

import re
import time
from secrets import token_hex
from typing import Any

import pytest

from tests.e2e.rest.calls import Calls
from tests.e2e.rest.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_FIELDS = {"id", "roomId", "customRoomId", "start", "end", "participants", "status", "links"}


def _require_session(session: dict[str, Any], room_id: str, *, ended: bool = False) -> None:
    assert session.keys() == _FIELDS
    assert re.fullmatch(r"[0-9a-f]{24}", session["id"])
    assert session["roomId"] == room_id
    assert _MOMENT.fullmatch(session["start"])
    assert (session["status"], session["end"] is not None) == ("ended" if ended else "ongoing", ended)
    for participant in session["participants"]:
        assert participant.keys() == {"participantId", "name", "timelog"}
        assert all(stay.keys() == {"start", "end"} for stay in participant["timelog"])


def _names(session: dict[str, Any]) -> set[str]:
    return {each["participantId"] for each in session["participants"]}


async def test_a_session_is_shown_in_each_of_its_shapes(server: Server, calls: Calls) -> None:
    call = await calls.begin(customRoomId=f"standup-{token_hex(4)}")
    await call.enter("alice")
    await (await call.enter("bob")).hang_up()
    listed = await server.get("/v2/sessions/", roomId=call.room_id)
    (session,) = listed["data"]
    _require_session(session, call.room_id)
    assert _names(session) == {"alice", "bob"}

    path = f"/v2/sessions/{session['id']}"
    active = await server.until(f"{path}/participants/active", lambda got: got["pageInfo"]["total"] == 1)
    assert active.keys() == {"pageInfo", "data"}
    (now,) = active["data"]
    assert _names(now) == {"alice"}
    one = await server.get(path)
    _require_session(one, call.room_id)
    everybody = await server.get(f"{path}/participants")
    assert everybody["pageInfo"]["total"] == 2
    assert everybody["data"] == one, "an object here, and no array"
    alice, bob = [await server.get(f"{path}/participants/{name}") for name in ("alice", "bob")]
    assert (alice["participantId"], alice["name"]) == ("alice", "alice")
    assert [stay["end"] for stay in alice["timelog"]] == [None]
    assert [_MOMENT.fullmatch(stay["end"]) is not None for stay in bob["timelog"]] == [True]
    assert await server.refused("GET", f"{path}/participants/nobody") == (404, "participant_not_found")


async def test_participants_come_page_by_page(server: Server, calls: Calls) -> None:
    call = await calls.begin()
    for name in ("ann", "ben", "cat"):
        await call.enter(name)
    path = f"/v2/sessions/{await call.session_id()}/participants"
    everybody = [await server.get(path, page=page, perPage=2) for page in (1, 2)]
    active = [await server.get(f"{path}/active", page=page, perPage=2) for page in (1, 2)]
    assert [page["pageInfo"]["lastPage"] for page in (*everybody, *active)] == [2] * 4
    for pages in ([page["data"] for page in everybody], [page["data"][0] for page in active]):
        assert [len(page["participants"]) for page in pages] == [2, 1]
        assert set.union(*map(_names, pages)) == {"ann", "ben", "cat"}


async def test_sessions_are_found_by_each_filter(server: Server, calls: Calls) -> None:
    before = int(time.time() * 1000) - 1
    call = await calls.begin(customRoomId=f"Standup-{token_hex(4)}")
    alice = await call.enter(f"alice-{token_hex(4)}")
    session_id = await call.session_id()
    room = {"roomId": call.room_id}
    hour = 3_600_000
    for query, is_found in (
        ({"customRoomId": call.made["customRoomId"]}, True),
        ({**room, "status": "ongoing", "perPage": 1}, True),
        ({**room, "status": "ended"}, False),
        ({**room, "startDate": before, "endDate": before + hour}, True),
        ({**room, "startDate": before + hour}, False),
        ({**room, "endDate": before - hour}, False),
        ({"query": alice.id}, True),
        ({"query": call.room_id}, True),
        ({**room, "query": "nobody at all"}, False),
        ({**room, "customRoomId": "another"}, False),
    ):
        listed = await server.get("/v2/sessions", **query)
        assert [each["id"] for each in listed["data"]] == [session_id] * is_found, query
        assert listed["pageInfo"]["total"] == is_found
    assert await server.refused("GET", "/v2/sessions?status=over") == (400, "invalid_request")


async def test_an_ended_session_is_over_for_everybody(server: Server, calls: Calls) -> None:
    call = await calls.begin()
    people = [await call.enter("mona", "moderator"), await call.enter("alice")]
    session_id = await call.session_id()
    other = {"roomId": call.room_id, "sessionId": "0" * 24}
    assert await server.refused("POST", "/v2/sessions/end", other) == (404, "session_not_found")

    ended = await server.post("/v2/sessions/end", {"roomId": call.room_id, "sessionId": session_id})

    _require_session(ended, call.room_id, ended=True)
    assert ended["id"] == session_id
    assert {stay["end"] for each in ended["participants"] for stay in each["timelog"]} == {ended["end"]}
    for each in people:
        assert await each.closed() is not None
    assert await server.get(f"/v2/sessions/{session_id}") == ended
    assert (await server.get(f"/v2/sessions/{session_id}/participants/active"))["pageInfo"]["total"] == 0
    again = await server.refused("POST", "/v2/sessions/end", {"roomId": call.room_id})
    assert again == (404, "session_not_found")
    await call.room.enter("alice")
    assert await call.session_id() != session_id
    assert [each["id"] for each in (await server.get("/v2/sessions", roomId=call.room_id))["data"]][1] == session_id


@pytest.mark.parametrize("where", ["roomId", "sessionId", "both"])
async def test_who_is_removed_is_disconnected_and_the_others_are_told(server: Server, calls: Calls, where: str) -> None:
    call = await calls.begin()
    mona, eve = await call.enter("mona", "moderator"), await call.enter("eve")
    ids = {"roomId": call.room_id, "sessionId": await call.session_id()}
    named = ids if where == "both" else {where: ids[where]}
    assert await server.refused("POST", "/v2/sessions/participants/remove", {"participantId": "eve"}) == (
        400,
        "invalid_request",
    )

    session = await server.post("/v2/sessions/participants/remove", {"participantId": "eve", **named})

    _require_session(session, call.room_id)
    assert [each["timelog"][0]["end"] is None for each in session["participants"]] == [
        each["participantId"] == "mona" for each in session["participants"]
    ]
    assert await eve.closed() is not None
    await mona.expect("control", "left", id="eve")
    assert (await server.refused("POST", "/v2/sessions/participants/remove", {"participantId": "eve", **named}))[
        0
    ] == 404


async def test_the_removal_of_the_last_one_ends_the_session(server: Server, calls: Calls) -> None:
    call = await calls.begin()
    alice = await call.enter("alice")
    session = await server.post("/v2/sessions/participants/remove", call.about("alice"))
    _require_session(session, call.room_id, ended=True)
    assert await alice.closed() is not None


async def test_whose_media_is_announced_is_there_until_it_is_taken_away(server: Server, calls: Calls) -> None:
    call = await calls.begin(media={"type": "rtp"})
    await call.bring("alice")
    session_id = await call.session_id()
    assert _names((await server.get(f"/v2/sessions/{session_id}/participants/active"))["data"][0]) == {"alice"}
    path = f"/v1/rooms/{call.room_id}/participants/alice/rtp"
    assert (await server.ask("DELETE", path)).status_code == 204
    assert (await server.get(f"/v2/sessions/{session_id}"))["status"] == "ended"
