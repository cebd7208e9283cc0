"""Sessions and who is in them, by the official SDK."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.videosdk.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PEOPLE = ("alice", "bob", "carol", "dave", "erin")


async def test_a_room_has_a_session_while_somebody_is_there(server: Server) -> None:
    room = await server.room(customRoomId="weekly-" + (await server.sdk.call("rooms.create"))["roomId"])
    assert (await server.sdk.walk("sessions.list", roomId=room.room_id)).items == []
    assert (await server.sdk.call("participants.list", room.room_id))["items"] == []

    await room.join("alice")

    (ongoing,) = (await server.sdk.walk("sessions.list", roomId=room.room_id, status="ongoing")).items
    assert ongoing["roomId"] == room.room_id
    assert (ongoing["status"], ongoing["end"]) == ("ongoing", None)
    got = await server.sdk.call("sessions.get", ongoing["id"])
    assert (got["id"], got["start"]) == (ongoing["id"], ongoing["start"])
    assert (await server.sdk.walk("sessions.list", roomId=room.room_id, status="ended")).items == []


async def test_participants_are_listed_over_pages_and_told_one_by_one(server: Server) -> None:
    room = await server.room()
    for name in _PEOPLE:
        await room.join(name)
    session_id = await server.session_id(room)

    everybody = await server.sdk.call("sessions.listParticipants", session_id, {"perPage": 2})
    active = await server.sdk.call("participants.list", room.room_id, {"perPage": 2})

    for listed in (everybody, active):
        assert (listed["first"], listed["total"]) == (2, 5)
        assert sorted(each["participantId"] for each in listed["items"]) == sorted(_PEOPLE)
    alice = await server.sdk.call("participants.get", room.room_id, "alice")
    assert (alice["participantId"], alice["name"]) == ("alice", "alice")
    assert alice["timelog"][0]["start"]
    assert alice["timelog"][0]["end"] is None
    kind, status, _ = await server.sdk.refused("sessions.getParticipant", session_id, "nobody")
    assert (kind, status) == ("RoomNotFoundError", 404)


async def test_somebody_who_was_removed_is_out_and_was_there(server: Server) -> None:
    room = await server.room()
    await room.join("mona", moderates=True)
    await room.join("eve")
    session_id = await server.session_id(room)

    await server.sdk.call("participants.remove", room.room_id, "eve")

    left = await room.clients["mona"].wait_for("control", "left")
    assert left["id"] == "eve"
    active = await server.sdk.call("sessions.listActiveParticipants", session_id)
    assert [each["participantId"] for each in active["items"]] == ["mona"]
    everybody = await server.sdk.call("sessions.listParticipants", session_id)
    assert {each["participantId"] for each in everybody["items"]} == {"mona", "eve"}
    eve = await server.sdk.call("sessions.getParticipant", session_id, "eve")
    assert eve["timelog"][0]["end"]
    removed_again = await server.sdk.refused("participants.remove", room.room_id, "eve")
    assert removed_again[:2] == ("RoomNotFoundError", 404)


async def test_a_session_that_was_ended_is_over_for_everybody(server: Server) -> None:
    room = await server.room()
    await room.join("alice")
    await room.join("bob")
    session_id = await server.session_id(room)

    ended = await server.sdk.call("sessions.end", {"roomId": room.room_id})

    assert (ended["id"], ended["roomId"], ended["status"]) == (session_id, room.room_id, "ended")
    assert ended["end"]
    assert (await server.sdk.call("participants.list", room.room_id))["items"] == []
    (over,) = (await server.sdk.walk("sessions.list", roomId=room.room_id, status="ended")).items
    assert over["id"] == session_id
    async with asyncio.timeout(10):
        for name in ("alice", "bob"):
            await room.clients[name]._websocket.wait_closed()
    assert (await server.sdk.refused("sessions.end", {"roomId": room.room_id}))[1:] == (404, "session_not_found")
    await room.join("alice")
    assert await server.session_id(room) != session_id
