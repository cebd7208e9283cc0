"""Moderators make moderators, and everybody raises a hand."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.client import TIMESTAMP, Client, refused, told
from tests.e2e.signaling.room import Room, start, stop, three, updates

pytestmark = pytest.mark.asyncio(loop_scope="session")

_NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_a_granted_role_is_told_to_the_target_and_to_all_others(room: Room) -> None:
    mona, bob, alice = await three(room)

    await mona.send("control", action="grant_moderator_role", target="alice")

    await alice.expect("control", "role_updated")
    await mona.expect("control", "update")
    await bob.expect("control", "update")
    await room.settle()
    assert alice.take() == [told("role_updated", "control", new_role="moderator")]
    for other in (mona, bob):
        heard = other.take()
        assert len(heard) == 1
        [update] = updates(heard)
        assert update.keys() == {"message", "id", "control", "recording"}
        assert (update["id"], update["control"]["role"]) == ("alice", "moderator")


async def test_a_revoked_role_gives_back_the_one_they_came_with(room: Room) -> None:
    mona, _, _ = await three(room)
    gus = await room.enter("gus", "guest", at=1)
    for target, own in (("alice", "user"), ("gus", "guest")):
        await _grant(mona, target)
        await mona.send("control", action="revoke_moderator_role", target=target)
        await mona.expect("control", "update", id=target, control={"role": own})
    assert await gus.expect("control", "role_updated", new_role="moderator")
    assert await gus.expect("control", "role_updated", new_role="guest")
    carol = await room.enter("carol", at=1)
    roles = {each["id"]: each["control"]["role"] for each in carol.welcome["participants"]}
    assert roles == {"mona": "moderator", "bob": "user", "alice": "user", "gus": "guest"}


async def test_only_moderators_change_roles(room: Room) -> None:
    mona, bob, alice = await three(room)
    for action, target in (
        ("grant_moderator_role", "bob"),
        ("grant_moderator_role", "alice"),
        ("revoke_moderator_role", "mona"),
        ("grant_moderator_role", _NOBODY),
    ):
        await alice.send("control", action=action, target=target)
        await alice.expect("control", "error")
    await room.settle()
    assert alice.take() == [refused("insufficient_permissions", "control")] * 4
    assert mona.take() == bob.take() == []


async def test_who_came_as_a_moderator_stays_one(room: Room) -> None:
    mona, _, _ = await three(room)
    mike = await room.enter("mike", "moderator", at=1)
    await room.quiet()
    await mike.send("control", action="revoke_moderator_role", target="mona")
    await mike.expect("control", "error")
    await room.settle()
    assert mike.take() == [refused("target_is_room_owner", "control")]
    assert mona.take() == []


async def test_the_same_role_again_is_nothing_to_do(room: Room) -> None:
    mona, bob, alice = await three(room)
    await _grant(mona, "alice")
    await alice.expect("control", "role_updated")
    await room.quiet()
    for action, target in (
        ("grant_moderator_role", "alice"),
        ("revoke_moderator_role", "bob"),
        ("grant_moderator_role", _NOBODY),
        ("revoke_moderator_role", _NOBODY),
    ):
        await mona.send("control", action=action, target=target)
        await mona.expect("control", "error")
    await room.settle()
    assert mona.take() == [refused("nothing_to_do", "control")] * 4
    assert alice.take() == bob.take() == []


async def test_the_current_role_is_the_one_that_counts(room: Room) -> None:
    mona, bob, alice = await three(room)
    await _grant(mona, "alice")
    await alice.expect("control", "role_updated", new_role="moderator")

    recording_id = await start(alice)
    await _grant(alice, "bob")
    await bob.expect("control", "role_updated", new_role="moderator")
    await stop(bob, recording_id)

    await mona.send("control", action="revoke_moderator_role", target="alice")
    await alice.expect("control", "role_updated", new_role="user")
    await alice.send("recording", action="start")
    await alice.expect("recording", "error", error="insufficient_permissions")
    await alice.send("control", action="grant_moderator_role", target="alice")
    await alice.expect("control", "error", error="insufficient_permissions")


async def test_a_granted_role_ends_with_leaving(room: Room) -> None:
    mona, _, alice = await three(room)
    await _grant(mona, "alice")
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")
    assert (await room.enter("alice", at=0)).welcome["role"] == "user"


async def test_a_hand_that_moves_is_told_to_the_others(room: Room) -> None:
    mona, bob, alice = await three(room)
    for action, up in (("raise_hand", True), ("lower_hand", False)):
        await alice.send("control", action=action)
        for other in (mona, bob):
            update = await other.expect("control", "update", id="alice")
            assert update["control"]["hand_is_up"] is up
            assert TIMESTAMP.fullmatch(update["control"]["hand_updated_at"])
    await room.settle()
    assert alice.take() == []
    assert [len(other.take()) for other in (mona, bob)] == [2, 2]


async def test_a_hand_that_is_where_it_was_is_told_to_nobody(room: Room) -> None:
    mona, _, alice = await three(room)
    await alice.send("control", action="lower_hand")
    await alice.send("control", action="raise_hand")
    await alice.send("control", action="raise_hand")
    await alice.send("control", action="lower_hand")
    await mona.expect("control", "update", id="alice", control={"hand_is_up": False})
    await room.settle()
    assert [update["control"]["hand_is_up"] for update in updates(mona.take())] == [True, False]
    assert alice.take() == []


async def test_who_comes_later_sees_the_hands_that_are_up(room: Room) -> None:
    mona, _, alice = await three(room)
    await alice.send("control", action="raise_hand")
    await mona.expect("control", "update", id="alice", control={"hand_is_up": True})
    carol = await room.enter("carol", at=1)
    hands = {each["id"]: each["control"]["hand_is_up"] for each in carol.welcome["participants"]}
    assert hands == {"mona": False, "bob": False, "alice": True}


async def _grant(moderator: Client, target: str) -> None:
    await moderator.send("control", action="grant_moderator_role", target=target)
    await moderator.expect("control", "update", id=target, control={"role": "moderator"})
