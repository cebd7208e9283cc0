"""Leaves that are known late: of a gateway that is gone, and of a moment before others'."""

from __future__ import annotations

from services.gateway.domain import room_life
from services.gateway.domain.room import ROOM
from services.gateway.domain.room_life import Room, evolve
from shared.contracts.room import ParticipantLeft
from tests.support.moments import at
from tests.support.specification import given
from tests.unit.gateway.domain.words import CREATED, STARTED, ended, joined, leave, left, lose

THREE = CREATED, STARTED, joined("ann", connection="one"), joined("bob", connection="one"), joined("cy")


# --- a gateway that is gone


def test_everybody_who_was_connected_to_it_leaves_at_once() -> None:
    given(ROOM, *THREE).when(lose("one")).then(left("ann", reason="timeout"), left("bob", reason="timeout"))


def test_with_the_last_of_them_the_session_ends() -> None:
    given(ROOM, *THREE, left("cy", second=8)).when(lose("one")).then(
        left("ann", reason="timeout"), left("bob", reason="timeout"), ended()
    )


def test_nobody_leaves_with_another_gateway() -> None:
    given(ROOM, *THREE).when(lose("two")).then_nothing()
    given(ROOM, CREATED).when(lose("one")).then_nothing()


def test_nobody_leaves_before_they_came() -> None:
    """Until when it lived may be long ago: a word that waited held its horizon."""
    events = CREATED, STARTED, joined("ann", second=1), joined("bob", second=7, connection="one")
    given(ROOM, *events).when(lose("one", second=3)).then(left("bob", second=7, reason="timeout"))


# --- moments that come late


def test_a_session_ends_with_the_last_leave_though_it_is_written_before_another() -> None:
    events = CREATED, STARTED, joined("ann", connection="one"), joined("bob"), left("bob", second=50)
    given(ROOM, *events).when(leave(second=9, connection="one")).then(left(second=9), ended(second=50))


# --- who left when


def test_a_room_knows_when_each_left_last_also_of_those_who_are_back() -> None:
    room = given(ROOM, *THREE, left("ann", second=5), joined("ann", second=6), left("bob", second=7)).state
    assert [room.left_by(who) for who in ("ann", "bob", "cy")] == [at(5), at(7), None]


def test_a_session_knows_nothing_of_who_left_the_one_before() -> None:
    events = CREATED, STARTED, joined("ann"), left("ann", second=5), ended(second=5), STARTED, joined("ann", second=6)
    assert given(ROOM, *events).state.left_by("ann") is None


def _after_many(room: Room) -> Room:
    """Let more people leave than a room remembers."""
    for number in range(room_life._REMEMBERED):
        leave = ParticipantLeft(
            at=at(10 + number), room_id="r", session_id="s", participant_id=f"p{number}", reason="quit"
        )
        room = evolve(room, leave)
    return room


def test_of_more_leaves_than_it_remembers_a_room_knows_by_when_they_were() -> None:
    room = _after_many(given(ROOM, *THREE, left("ann", second=5)).state)
    assert len(room.left) == room_life._REMEMBERED
    assert room.left_by("ann") == room.left_by("nobody it knows") == at(5)


def test_who_is_present_did_not_leave_since_they_came() -> None:
    room = _after_many(given(ROOM, *THREE, left("ann", second=5)).state)
    assert room.left_by("cy") == at(1)
