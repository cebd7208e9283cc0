from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.gateway.domain.room import (
    ROOM,
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    Participant,
    RoomCommand,
    RoomHappened,
    RoomNotFoundError,
)
from shared.contracts.room import (
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoomCreated,
    SessionEnded,
    SessionStarted,
)
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history

CREATED = RoomCreated(at=at(), room_id="r")
STARTED = SessionStarted(at=at(1), room_id="r", session_id="s")


def join(who: str = "ann", session: str = "s", second: float = 1, role: Role = "user") -> JoinRoom:
    return JoinRoom("r", session, who, who.title(), role, at(second))


def joined(who: str = "ann", session: str = "s", second: float = 1, role: Role = "user") -> ParticipantJoined:
    return ParticipantJoined(
        at=at(second), room_id="r", session_id=session, participant_id=who, display_name=who.title(), role=role
    )


def leave(who: str = "ann", second: float = 9) -> LeaveRoom:
    return LeaveRoom("r", who, "quit", at(second))


def left(who: str = "ann", second: float = 9) -> ParticipantLeft:
    return ParticipantLeft(at=at(second), room_id="r", session_id="s", participant_id=who, reason="quit")


def ended(second: float = 9) -> SessionEnded:
    return SessionEnded(at=at(second), room_id="r", session_id="s")


def test_a_room_is_created_with_what_was_asked_for() -> None:
    command = CreateRoom("r", at(3), custom_room_id="weekly", webhook_url="https://example.org/hook")
    created = RoomCreated(at=at(3), room_id="r", custom_room_id="weekly", webhook_url="https://example.org/hook")
    given(ROOM).when(command).then(created)


def test_a_room_is_created_once() -> None:
    given(ROOM, CREATED).when(CreateRoom("r", at(3), webhook_url="https://example.org/other")).then_nothing()


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


# --- what holds for any sequence

_people = st.sampled_from(["ann", "bob", "cy"])
_seconds = st.integers(0, 5)
_commands: st.SearchStrategy[list[RoomCommand]] = st.lists(
    st.one_of(
        st.builds(lambda second: CreateRoom("r", at(second)), _seconds),
        st.builds(join, _people, st.sampled_from(["s", "t"]), _seconds),
        st.builds(leave, _people, _seconds),
    ),
    max_size=20,
)
_events: st.SearchStrategy[list[RoomHappened]] = st.lists(
    st.one_of(
        st.just(CREATED), st.just(STARTED), st.builds(joined, _people), st.builds(left, _people), st.just(ended())
    )
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[RoomCommand]) -> None:
    assert_repeating_writes_nothing(ROOM, commands)


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[RoomHappened]) -> None:
    room = ROOM.fold(events)
    assert room.created is (CREATED in events)


@for_all(_commands)
def test_a_session_lives_exactly_while_somebody_is_present(commands: list[RoomCommand]) -> None:
    events = history(ROOM, commands)
    present: set[str] = set()
    for count, event in enumerate(events, start=1):
        if isinstance(event, ParticipantJoined):
            present.add(event.participant_id)
        if isinstance(event, ParticipantLeft):
            present.remove(event.participant_id)
        room = ROOM.fold(events[:count])
        assert room.participants.keys() == present
        if not isinstance(event, SessionStarted | ParticipantLeft):
            assert (room.session_id is not None) == bool(present)


@for_all(_commands)
def test_everything_within_a_session_bears_its_id(commands: list[RoomCommand]) -> None:
    live: str | None = None
    for event in history(ROOM, commands):
        match event:
            case SessionStarted():
                assert live is None
                live = event.session_id
            case ParticipantJoined() | ParticipantLeft():
                assert event.session_id == live
            case SessionEnded():
                assert event.session_id == live
                live = None
            case RoomCreated():
                assert live is None
