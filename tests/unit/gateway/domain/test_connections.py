"""By which connection a participant is in the room: by one at a time, and the newest counts."""

from __future__ import annotations

import pytest

from services.gateway.domain.room import ROOM
from tests.support.moments import at
from tests.support.specification import given
from tests.unit.gateway.domain.words import (
    CREATED,
    STARTED,
    ended,
    join,
    joined,
    leave,
    left,
    raised,
    role_changed,
)

HERE = CREATED, STARTED, joined(connection="one")
REPLACED = left(second=5, reason="replaced"), joined(second=5, connection="two")


def test_a_participant_is_here_by_the_connection_and_gateway_they_joined_by() -> None:
    participant = given(ROOM, *HERE).state.participants["ann"]
    assert (participant.gateway_id, participant.connection_id) == ("gateway of one", "one")


def test_a_join_that_is_repeated_by_the_same_connection_writes_nothing() -> None:
    given(ROOM, *HERE).when(join(second=5, connection="one")).then_nothing()


def test_a_second_connection_replaces_the_first_in_one_decision() -> None:
    given(ROOM, *HERE).when(join(session="another", second=5, connection="two")).then(*REPLACED)


def test_the_session_goes_on_when_the_connection_of_its_only_participant_is_replaced() -> None:
    room = given(ROOM, *HERE, *REPLACED).state
    assert room.session_id == "s"
    assert room.participants["ann"].connection_id == "two"
    assert room.participants["ann"].joined_at == at(5)


def test_a_connection_replaces_whoever_is_here_by_none() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(join(second=5, connection="two")).then(*REPLACED)


def test_media_that_comes_by_no_connection_replaces_none() -> None:
    given(ROOM, *HERE).when(join(second=5)).then_nothing()


def test_the_end_of_a_connection_that_was_replaced_writes_nothing() -> None:
    given(ROOM, *HERE, *REPLACED).when(leave(connection="one")).then_nothing()


def test_the_end_of_the_connection_that_they_are_here_by_is_their_leaving() -> None:
    given(ROOM, *HERE, *REPLACED).when(leave(connection="two")).then(left(), ended())


@pytest.mark.parametrize(("here_by", "ended_connection"), [("one", None), (None, "one"), ("one", "never seen")])
def test_the_end_of_any_other_connection_writes_nothing(here_by: str | None, ended_connection: str | None) -> None:
    events = CREATED, STARTED, joined(connection=here_by)
    given(ROOM, *events).when(leave(connection=ended_connection)).then_nothing()


def test_two_who_see_the_same_connection_end_write_one_leave() -> None:
    events = *HERE, joined("bob"), left(reason="timeout")
    given(ROOM, *events).when(leave(connection="one", reason="timeout")).then_nothing()


def test_who_comes_in_again_has_the_role_of_their_token_and_their_hand_down() -> None:
    """What they were granted was granted to somebody who is not here any more."""
    events = CREATED, STARTED, joined("mona", role="moderator"), joined(connection="one")
    changed = *events, role_changed("ann", "moderator"), raised()
    for back in (*changed, *REPLACED), (*changed, left(), joined(second=10, connection="two")):
        ann = given(ROOM, *back).state.participants["ann"]
        assert (ann.role, ann.own_role, ann.hand_is_up) == ("user", "user", False)


def test_who_comes_in_again_with_another_token_has_its_role() -> None:
    again = join(second=5, connection="two", role="moderator")
    assert given(ROOM, *HERE, *given(ROOM, *HERE).when(again).events).state.is_moderator("ann")
