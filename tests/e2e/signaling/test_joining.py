"""Joining and leaving: under which names, and what the others are told."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.client import TIMESTAMP, Payload, refused, told
from tests.e2e.signaling.room import Room, assert_peer, peer

pytestmark = pytest.mark.asyncio(loop_scope="session")

# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("  Ada \t\n Lovelace  ", "Ada Lovelace"),
        ("x" * 100, "x" * 100),
        ("Zoë 🙂", "Zoë 🙂"),
        (None, "Unnamed"),
    ],
)
async def test_names_are_shown_with_their_white_space_collapsed(room: Room, asked: str | None, shown: str) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.connect(room.site.token("alice"), at=1)
    assert (await alice.join(asked))["display_name"] == shown
    await mona.expect("control", "joined", id="alice", control={"display_name": shown})


async def test_a_bad_name_is_refused_and_another_may_be_tried(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.connect(room.site.token("alice"), at=1, name="alice")

    for name in ("", " \t ", "x" * 101, "a\u0000b", "a\u001bb", "a\u0085b\u009f", "a\u202eb", "a\u202db"):
        await alice.send("control", action="join", display_name=name)
        await alice.expect("control", "error")
        assert (name, alice.take()) == (name, [refused("invalid_username", "control")])
    await mona.echo()
    assert mona.take() == []

    await alice.join("Alice")
    await mona.expect("control", "joined", id="alice", control={"display_name": "Alice"})


async def test_a_name_with_half_a_surrogate_pair_is_refused(room: Room) -> None:
    alice = await room.connect(room.site.token("alice"))
    await alice.send("control", action="join", display_name="a\ud800b")
    await alice.expect("control", "error")
    assert alice.take() == [refused("invalid_username", "control")]
    await alice.join("Alice")


async def test_a_name_that_is_no_text_is_refused_and_may_be_tried_again(room: Room) -> None:
    alice = await room.connect(room.site.token("alice"))
    await alice.send("control", action="join", display_name=7)
    await alice.expect("control", "error", error="invalid_json")
    await alice.join("Alice")


async def test_joining_twice_is_refused(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice", at=1)
    await room.quiet()

    await alice.send("control", action="join", display_name="Alice again")

    await alice.expect("control", "error")
    await room.settle()
    assert alice.take() == [refused("already_joined", "control")]
    assert mona.take() == []


async def test_there_is_no_waiting_room_to_enter_from(room: Room) -> None:
    alice = await room.enter("alice")
    await alice.send("control", action="enter_room")
    await alice.expect("control", "error")
    assert alice.take() == [refused("not_accepted_or_not_in_waiting_room", "control")]


# ------------------------------------------------------------------------------------------------- coming and going


async def test_all_others_are_told_who_joined_and_who_joined_is_not(room: Room) -> None:
    others = [await room.enter("mona", "moderator"), await room.enter("bob"), await room.enter("gus", "guest", at=1)]
    await room.quiet()

    alice = await room.enter("alice", at=1)

    await room.settle()
    assert alice.take() == []
    for other in others:
        [heard] = other.take()
        assert heard.namespace == "control"
        assert heard.payload.keys() == {"message", "id", "control", "recording"}
        assert heard.payload.pop("message") == "joined"
        assert_peer(heard.payload, "alice", "user", "user")


async def test_all_others_are_told_who_left(room: Room) -> None:
    others = [await room.enter("mona", "moderator"), await room.enter("bob", at=1)]
    alice = await room.enter("alice", at=1)
    await room.quiet()

    await alice.hang_up()

    for other in others:
        await other.expect("control", "left")
    await room.settle()
    assert [other.take() for other in others] == [[told("left", "control", id="alice", reason="quit")]] * 2


async def test_the_roster_also_tells_who_left_earlier(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")

    bob = await room.enter("bob", at=1)

    assert {each["id"] for each in bob.welcome["participants"]} == {"mona", "alice"}
    assert peer(bob.welcome, "mona")["control"]["left_at"] is None
    gone = peer(bob.welcome, "alice")["control"]
    assert TIMESTAMP.fullmatch(gone["left_at"])
    assert gone["joined_at"] <= gone["left_at"]


async def test_who_comes_back_is_in_the_roster_once_and_present(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")

    back = await room.enter("alice", at=0)
    bob = await room.enter("bob", at=1)

    assert [each["id"] for each in back.welcome["participants"]] == ["mona"]
    assert sorted(each["id"] for each in bob.welcome["participants"]) == ["alice", "mona"]
    assert peer(bob.welcome, "alice")["control"]["left_at"] is None


async def test_a_new_session_does_not_know_who_was_in_the_last_one(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await mona.hang_up()
    await alice.expect("control", "left", id="mona")
    await alice.hang_up()

    # The session may end a moment after Alice has hung up, so she shows that it has by coming back herself.
    again = await _alone_again(room)
    assert again["participants"] == []


async def test_rooms_do_not_hear_of_each_other(room: Room) -> None:
    another = await room.another()
    mona = await room.enter("mona", "moderator")
    await another.enter("alice")
    bob = await another.enter("bob", at=1)
    await bob.hang_up()
    await another.settle()
    await room.settle()

    assert mona.take() == []
    assert (await room.enter("carol", at=1)).welcome["participants"][0]["id"] == "mona"


async def _alone_again(room: Room) -> Payload:
    """Join until a session has begun that nobody else was in."""
    for attempt in range(50):
        client = await room.enter(f"late{attempt}")
        if "alice" not in {each["id"] for each in client.welcome["participants"]}:
            return client.welcome
        await client.hang_up()
    raise AssertionError("the session went on with nobody in it")
