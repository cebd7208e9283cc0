"""Rooms and their sessions: who comes in and who leaves."""

from __future__ import annotations

import pytest

from services.gateway.domain.room import ROOM, CreateRoom, OpenBreakoutRoom
from services.gateway.domain.room_errors import RoomNotFoundError
from services.gateway.domain.room_life import Participant, RoomSettings
from shared.contracts.room import (
    BreakoutRoomOpened,
    ConsentPolicy,
    LeaveReason,
    Role,
    RoomCreated,
    SessionStarted,
    WithdrawalPolicy,
)
from tests.support.moments import at
from tests.support.specification import given
from tests.unit.gateway.domain.words import CREATED, STARTED, ended, join, joined, leave, left


def test_a_room_is_created_with_what_was_asked_for() -> None:
    settings = RoomSettings(webhook_url="https://example.org/hook")
    command = CreateRoom("r", at(3), custom_room_id="weekly", settings=settings)
    created = RoomCreated(at=at(3), room_id="r", custom_room_id="weekly", webhook_url="https://example.org/hook")
    given(ROOM).when(command).then(created)


def test_a_room_is_created_once() -> None:
    given(ROOM, CREATED).when(
        CreateRoom("r", at(3), settings=RoomSettings(webhook_url="https://example.org/other"))
    ).then_nothing()


def test_nobody_joins_a_room_that_was_not_created() -> None:
    given(ROOM).when(join()).then_refused(RoomNotFoundError)


def test_a_refused_join_says_which_room_is_missing_and_what_to_do() -> None:
    refusal = given(ROOM).when(join()).refusal
    assert refusal is not None
    assert refusal.code == "room_not_found"
    assert str(refusal) == "Room not found: r. Create it with POST /v2/rooms."


def test_the_first_to_join_begins_a_session() -> None:
    given(ROOM, CREATED).when(join()).then(STARTED, joined())


def test_whoever_joins_later_joins_the_live_session() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(join("bob", session="another", second=2)).then(joined("bob", second=2))


def test_a_participant_who_is_present_does_not_join_again() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(join(second=5)).then_nothing()


def test_leaving_while_others_stay_keeps_the_session() -> None:
    given(ROOM, CREATED, STARTED, joined(), joined("bob")).when(leave()).then(left())


def test_the_last_to_leave_ends_the_session() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(leave()).then(left(), ended())


def test_whoever_is_not_present_cannot_leave() -> None:
    given(ROOM, CREATED, STARTED, joined()).when(leave("bob")).then_nothing()


def test_nobody_leaves_before_a_session() -> None:
    given(ROOM, CREATED).when(leave()).then_nothing()


def test_who_left_may_come_back_to_the_same_session() -> None:
    events = CREATED, STARTED, joined(), joined("bob"), left()
    given(ROOM, *events).when(join(session="another", second=10)).then(joined(second=10))


def test_a_room_outlives_its_sessions() -> None:
    over = CREATED, STARTED, joined(), left(), ended()
    started = SessionStarted(at=at(20), room_id="r", session_id="next")
    given(ROOM, *over).when(join(session="next", second=20)).then(started, joined(session="next", second=20))


def test_the_room_knows_who_is_present_and_since_when() -> None:
    room = given(ROOM, CREATED, STARTED, joined(second=4), joined("bob"), left("bob")).state
    assert room.participants == {"ann": Participant("Ann", "user", "user", at(4))}


@pytest.mark.parametrize(("role", "may"), [("moderator", True), ("user", False), ("guest", False)])
def test_only_moderators_who_are_present_moderate(role: Role, *, may: bool) -> None:
    room = given(ROOM, CREATED, STARTED, joined(role=role)).state
    assert room.is_moderator("ann") is may
    assert not room.is_moderator("bob")


# --- what a room was made with


@pytest.mark.parametrize("policy", ["clear", "keep"])
def test_a_session_says_what_becomes_of_consent_in_its_room(policy: ConsentPolicy) -> None:
    created = RoomCreated(at=at(), room_id="r", consent_policy=policy)
    started = SessionStarted(at=at(1), room_id="r", session_id="s", consent_policy=policy)
    given(ROOM, created).when(join()).then(started, joined())


@pytest.mark.parametrize("policy", ["keep", "erase"])
def test_a_session_says_what_a_withdrawal_does_in_its_room(policy: WithdrawalPolicy) -> None:
    created = RoomCreated(at=at(), room_id="r", withdrawal_policy=policy)
    started = SessionStarted(at=at(1), room_id="r", session_id="s", withdrawal_policy=policy)
    given(ROOM, created).when(join()).then(started, joined())


@pytest.mark.parametrize("reason", ["quit", "timeout", "replaced"])
def test_the_log_says_why_somebody_left(reason: LeaveReason) -> None:
    given(ROOM, CREATED, STARTED, joined(), joined("bob")).when(leave(reason=reason)).then(left(reason=reason))


# --- breakout rooms

OPEN = OpenBreakoutRoom("r", "b", "Group 1", at(4))
OPENED = BreakoutRoomOpened(at=at(4), room_id="r", breakout_room_id="b", name="Group 1")


def test_a_breakout_room_is_created_with_its_parent() -> None:
    settings = RoomSettings(webhook_url="https://example.org/h", consent_policy="keep")
    command = CreateRoom("b", at(3), settings=settings, parent_room_id="r")
    given(ROOM).when(command).then(
        RoomCreated(
            at=at(3), room_id="b", webhook_url="https://example.org/h", consent_policy="keep", parent_room_id="r"
        )
    )
    assert given(ROOM, *given(ROOM).when(command).events).state.parent_room_id == "r"


def test_a_room_knows_its_breakout_rooms() -> None:
    given(ROOM, CREATED).when(OPEN).then(OPENED)
    assert given(ROOM, CREATED).state.breakout_rooms == frozenset()
    assert given(ROOM, CREATED, OPENED).state.breakout_rooms == {"b"}


def test_a_breakout_room_is_opened_once() -> None:
    given(ROOM, CREATED, OPENED).when(OPEN).then_nothing()


def test_breakout_rooms_outlive_sessions() -> None:
    assert given(ROOM, CREATED, OPENED, STARTED, joined(), left(), ended()).state.breakout_rooms == {"b"}


def test_a_room_that_was_not_created_has_no_breakout_rooms() -> None:
    given(ROOM).when(OPEN).then_refused(RoomNotFoundError)
