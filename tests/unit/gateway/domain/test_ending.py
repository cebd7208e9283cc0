"""Sending people away: one participant, or everybody with the end of the session."""

from __future__ import annotations

import pytest

from services.gateway.domain.room import ROOM, RoomCommand
from services.gateway.domain.room_errors import NotInRoomError, RoomNotFoundError, SessionNotFoundError
from shared.contracts.room import RoomCreated, SessionEndReason
from shared.contracts.room_settings import AutoClose
from tests.support.moments import at
from tests.support.specification import given
from tests.unit.gateway.domain.words import CREATED, STARTED, deactivated, end, ended, join, joined, left, remove

TWO = CREATED, STARTED, joined(connection="one"), joined("bob")
ENDED = left(reason="session_ended"), left("bob", reason="session_ended")


# --- one of them


@pytest.mark.parametrize("session", ["s", None])
def test_who_is_removed_leaves_by_whichever_connection_they_are_here(session: str | None) -> None:
    given(ROOM, *TWO).when(remove("ann", session=session)).then(left("ann", reason="removed"))
    given(ROOM, *TWO).when(remove("bob", session=session)).then(left("bob", reason="removed"))


def test_with_the_last_who_is_removed_the_session_ends() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(remove()).then(left(reason="removed"), ended())


def test_who_is_not_there_is_not_removed() -> None:
    given(ROOM, *TWO).when(remove("cy")).then_refused(NotInRoomError)


def test_who_was_removed_may_join_again() -> None:
    events = *TWO, left("ann", reason="removed")
    given(ROOM, *events).when(join("ann", second=20)).then(joined("ann", second=20))


# --- everybody


@pytest.mark.parametrize("session", ["s", None])
def test_when_a_session_is_ended_everybody_leaves_and_it_is_over_in_one_decision(session: str | None) -> None:
    outcome = given(ROOM, *TWO).when(end(session=session))
    outcome.then(*ENDED, ended(reason="requested"))
    room = given(ROOM, *TWO, *outcome.events).state
    assert (room.session_id, dict(room.participants)) == (None, {})


def test_after_that_the_next_to_join_begins_another_session() -> None:
    over = *TWO, *ENDED, ended(reason="requested")
    (started, came) = given(ROOM, *over).when(join(session="next", second=20)).events
    assert (started, came) == (STARTED.model_copy(update={"session_id": "next", "at": at(20)}), came)
    assert came == joined(session="next", second=20)


@pytest.mark.parametrize("command", [end(), end(session="s"), remove(), remove(session="s")])
def test_where_no_session_is_live_there_is_none_to_end(command: RoomCommand) -> None:
    given(ROOM, CREATED).when(command).then_refused(SessionNotFoundError)
    given(ROOM).when(command).then_refused(RoomNotFoundError)


@pytest.mark.parametrize("command", [end(session="earlier"), remove(session="earlier")])
def test_a_session_that_is_over_does_not_end_the_one_that_is_live(command: RoomCommand) -> None:
    outcome = given(ROOM, *TWO).when(command)
    outcome.then_refused(SessionNotFoundError)
    assert str(outcome.refusal) == "room r has no live session earlier"


# --- by itself


@pytest.mark.parametrize(
    ("reason", "deactivates", "after"),
    [
        ("auto_close", True, [deactivated(reason="auto_close")]),
        ("auto_close", False, []),
        ("requested", True, []),
    ],
)
def test_a_session_that_closes_by_itself_deactivates_its_room_if_that_says_so(
    reason: SessionEndReason, deactivates: bool, after: list[object]
) -> None:
    created = RoomCreated(at=at(), room_id="r", auto_close=AutoClose(minutes=1, deactivates=deactivates))
    outcome = given(ROOM, created, *TWO[1:]).when(end(reason=reason))
    assert list(outcome.events) == [*ENDED, ended(reason=reason), *after]


def test_a_room_that_is_deactivated_is_not_again_by_the_end_of_its_session() -> None:
    created = RoomCreated(at=at(), room_id="r", auto_close=AutoClose(minutes=1, deactivates=True))
    outcome = given(ROOM, created, *TWO[1:], deactivated()).when(end(reason="auto_close"))
    outcome.then(*ENDED, ended(reason="auto_close"))
