"""Breakout rooms: state, events and consent are their own."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.client import Client
from tests.e2e.signaling.room import IDLE, Room, consent, peer, start, stop, target_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_people_of_a_breakout_room_are_among_themselves(room: Room) -> None:
    corner = await room.breakout()
    mona = await room.enter("mona", "moderator")
    carol = await corner.enter("carol", "moderator")
    dave = await corner.enter("dave", at=1)

    assert carol.welcome["participants"] == []
    assert [each["id"] for each in dave.welcome["participants"]] == ["carol"]
    await dave.hang_up()
    await carol.expect("control", "left", id="dave")
    alice = await room.enter("alice", at=1)
    assert [each["id"] for each in alice.welcome["participants"]] == ["mona"]
    await room.settle()
    await corner.settle()
    assert [each.payload["id"] for each in mona.take()] == ["alice"]
    assert {each.payload["id"] for each in carol.take()} == {"dave"}


async def test_a_recording_of_the_main_room_is_none_of_a_breakout_rooms_and_the_other_way_round(room: Room) -> None:
    corner = await room.breakout()
    for recorded, other in ((room, corner), (corner, room)):
        mona, alice = await _two(recorded)
        mike, bob = await _two(other)
        recording_id = await start(mona)
        await alice.expect("recording", "stream_updated", status="active")
        assert (await other.enter("late")).welcome["recording"].keys() == IDLE
        await other.quiet()
        await mike.send("recording", action="stop", recording_id=recording_id)
        await mike.expect("recording", "error", error="invalid_recording_id")
        mike.take()
        await stop(mona, recording_id)
        await other.settle()
        assert mike.take() == bob.take() == []


async def test_both_rooms_record_at_once(room: Room) -> None:
    corner = await room.breakout()
    mona, _ = await _two(room)
    mike, _ = await _two(corner)
    first, second = await start(mona), await start(mike)
    assert first != second
    assert target_of(mona.welcome)[0] != target_of(mike.welcome)[0]
    await stop(mona, first)
    assert (await corner.enter("late")).welcome["recording"]["recording_id"] == second
    await stop(mike, second)


async def test_a_consent_is_for_the_room_it_was_given_in(room: Room) -> None:
    corner = await room.breakout()
    mona, alice = await _two(room)
    mike, namesake = await _two(corner)
    await consent(alice, seen_by=[mona])
    await corner.settle()
    assert mike.take() == namesake.take() == []
    assert peer((await corner.enter("late")).welcome, "alice")["recording"] == {"consents_recording": False}
    assert peer((await room.enter("late")).welcome, "alice")["recording"] == {"consents_recording": True}


async def test_a_breakout_room_keeps_consents_if_its_parent_does(room: Room) -> None:
    for policy, kept in (("keep", True), ("clear", False)):
        parent = await room.another(consentPolicy=policy)
        corner = await parent.breakout()
        mike, alice = await _two(corner)
        await consent(alice, seen_by=[mike])
        await stop(mike, await start(mike))
        late = await corner.enter("late", at=1)
        assert peer(late.welcome, "alice")["recording"] == {"consents_recording": kept}


async def test_two_breakout_rooms_are_apart(room: Room) -> None:
    north, south = await room.breakout("North"), await room.breakout("South")
    assert north.breakout_room != south.breakout_room
    mona, _ = await _two(north)
    mike, bob = await _two(south)
    await stop(mona, await start(mona))
    await south.settle()
    assert mike.take() == bob.take() == []


async def test_a_token_for_the_main_room_is_good_for_its_breakout_rooms(room: Room) -> None:
    corner = await room.breakout()
    client = await corner.connect(room.site.token("alice", roomId=room.room_id))
    assert (await client.join("Alice"))["participants"] == []


async def test_a_resumption_leads_back_into_the_breakout_room_as_the_same_one(room: Room) -> None:
    corner = await room.breakout()
    token, inner = room.site.token(), corner.breakout_room
    bought = await room.site.ticket(room.room_id, token, breakout_room=inner)
    client = await corner.admit(bought["ticket"])
    await client.join("Alice")
    watcher = await corner.enter("watcher", at=1)
    await client.hang_up()
    await watcher.expect("control", "left", id=client.id)
    again = await room.site.ticket(room.room_id, token, at=1, resumption=bought["resumption"], breakout_room=inner)
    back = await corner.admit(again["ticket"], at=1)
    assert (await back.join("Alice"))["id"] == client.id


async def _two(room: Room) -> tuple[Client, Client]:
    """A moderator, and Alice at the other gateway; they may be there already, and are replaced then."""
    people = await room.enter("mona", "moderator"), await room.enter("alice", at=1)
    for stale in [each for each in room.people if each not in people]:
        if stale.is_present and stale.id in {"mona", "alice"}:
            await stale.closed()
    await room.quiet()
    return people
