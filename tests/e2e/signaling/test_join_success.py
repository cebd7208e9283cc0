"""What somebody is told who has just come in, field by field."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.e2e.signaling.room import IDLE, Room, assert_peer, peer, target_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FIELDS = {
    "message", "id", "display_name", "role", "participants", "recording", "tariff", "chat", "moderation", "polls",
    "shared_folder", "is_room_owner", "event_info", "room_info",
}  # fmt: skip


async def test_join_success_has_all_fields_and_no_others(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    welcome = mona.welcome

    assert welcome.keys() == _FIELDS
    assert (welcome["id"], welcome["display_name"], welcome["role"]) == ("mona", "mona", "moderator")
    assert welcome["participants"] == []
    assert (welcome["polls"], welcome["shared_folder"]) == (None, None)


async def test_join_success_tells_both_web_clients_that_recording_is_there(room: Room) -> None:
    tariff = (await room.enter("alice")).welcome["tariff"]

    assert tariff.keys() == {"id", "name", "quotas", "enabled_modules", "modules"}
    assert isinstance(tariff["quotas"], dict)
    assert "recording" in tariff["enabled_modules"]
    assert "record" in tariff["modules"]["recording"]["features"]


async def test_join_success_has_what_the_web_client_would_throw_without(room: Room) -> None:
    welcome = (await room.enter("alice")).welcome

    assert isinstance(welcome["chat"]["enabled"], bool)
    assert welcome["chat"]["room_history"] == []
    assert welcome["chat"]["groups_history"] == []
    assert welcome["moderation"] == {
        "raise_hands_enabled": True,
        "waiting_room_enabled": False,
        "waiting_room_participants": [],
    }


async def test_join_success_tells_of_the_room(room: Room) -> None:
    welcome = (await room.enter("alice")).welcome

    event_info, room_info = welcome["event_info"], welcome["room_info"]
    assert event_info.keys() == {"id", "room_id", "title", "is_adhoc"}
    assert event_info["room_id"] == room.room_id
    assert isinstance(event_info["id"], str)
    assert isinstance(event_info["title"], str)  # the recorder of the first generation cannot do without
    assert isinstance(event_info["is_adhoc"], bool)
    assert room_info.keys() == {"id", "created_by"}
    assert room_info["id"] == room.room_id
    assert room_info["created_by"].keys() == {"title", "firstname", "lastname", "display_name", "avatar_url"}
    assert all(isinstance(value, str) for value in room_info["created_by"].values())


async def test_without_a_recording_there_is_a_target_and_no_state(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice", at=1)

    assert mona.welcome["recording"].keys() == IDLE
    target_id, target = target_of(mona.welcome)
    assert target == {"name": "Recording", "streaming_kind": "recording", "status": "inactive"}
    assert UUID(target_id).version == 5
    assert alice.welcome["recording"] == mona.welcome["recording"]


async def test_who_came_as_a_moderator_owns_the_room(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice")
    assert (mona.welcome["is_room_owner"], alice.welcome["is_room_owner"]) == (True, False)


async def test_the_token_says_the_role(room: Room) -> None:
    for role in ("moderator", "user", "guest"):
        assert (await room.enter(role, role)).welcome["role"] == role


async def test_peers_are_told_whole(room: Room) -> None:
    await room.enter("mona", "moderator")
    await room.enter("gus", "guest", at=1)
    alice = await room.enter("alice", at=1)

    assert {each["id"] for each in alice.welcome["participants"]} == {"mona", "gus"}
    assert_peer(peer(alice.welcome, "mona"), "mona", "moderator", "user")
    assert_peer(peer(alice.welcome, "gus"), "gus", "guest", "guest")
