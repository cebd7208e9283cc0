"""What holds for any sequence of commands, and of events."""

from __future__ import annotations

from hypothesis import given as for_all

from services.gateway.domain.room import ROOM, RoomCommand
from services.gateway.domain.room_life import RoomHappened
from shared.contracts.room import (
    BreakoutRoomOpened,
    HandLowered,
    HandRaised,
    ParticipantJoined,
    ParticipantLeft,
    RoleChanged,
    RoomCreated,
    RoomDeactivated,
    SessionEnded,
    SessionStarted,
)
from tests.support.specification import assert_repeating_writes_nothing, history, steps
from tests.unit.gateway.domain.histories import COMMANDS, EVENTS
from tests.unit.gateway.domain.words import CREATED, leave


@for_all(COMMANDS)
def test_a_repeated_command_writes_nothing(commands: list[RoomCommand]) -> None:
    assert_repeating_writes_nothing(ROOM, commands)


@for_all(EVENTS)
def test_no_order_of_events_is_refused(events: list[RoomHappened]) -> None:
    room = ROOM.fold(events)
    assert room.created is (CREATED in events)


@for_all(COMMANDS)
def test_a_session_lives_exactly_while_somebody_is_present(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        room = ROOM.fold(events, before)
        assert (room.session_id is not None) == bool(room.participants)


@for_all(COMMANDS)
def test_who_is_present_came_in_and_did_not_leave_since(commands: list[RoomCommand]) -> None:
    present: dict[str, str | None] = {}
    for event in history(ROOM, commands):
        if isinstance(event, ParticipantJoined):
            assert event.participant_id not in present, "nobody is here twice"
            present[event.participant_id] = event.connection_id
        if isinstance(event, ParticipantLeft):
            del present[event.participant_id]
    participants = ROOM.fold(history(ROOM, commands)).participants
    assert {who: each.connection_id for who, each in participants.items()} == present


@for_all(COMMANDS)
def test_everything_within_a_session_bears_its_id(commands: list[RoomCommand]) -> None:
    live: str | None = None
    for event in history(ROOM, commands):
        match event:
            case SessionStarted():
                assert live is None
                live = event.session_id
            case ParticipantJoined() | ParticipantLeft() | RoleChanged() | HandRaised() | HandLowered():
                assert event.session_id == live
            case SessionEnded():
                assert event.session_id == live
                live = None
            case RoomCreated():
                assert live is None
            case BreakoutRoomOpened() | RoomDeactivated():
                pass


@for_all(COMMANDS)
def test_nobody_joins_a_room_that_is_deactivated_or_does_not_allow_them(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        for event in events:
            if isinstance(event, ParticipantJoined):
                assert before.deactivated_at is None
                assert event.participant_id in (before.settings.allowed_participant_ids or [event.participant_id])


@for_all(COMMANDS)
def test_before_a_session_ends_everybody_has_left(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        if any(isinstance(event, SessionEnded) for event in events):
            left = [event for event in events if isinstance(event, ParticipantLeft)]
            assert sorted(event.participant_id for event in left) == sorted(before.participants)
            assert [type(event) for event in events][: len(left) + 1] == [ParticipantLeft] * len(left) + [SessionEnded]


@for_all(COMMANDS)
def test_who_leaves_is_named_as_they_came(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        for event in events:
            if isinstance(event, ParticipantLeft):
                assert event.display_name == before.participants[event.participant_id].display_name


@for_all(COMMANDS)
def test_only_the_end_of_the_connection_they_are_here_by_makes_somebody_leave(commands: list[RoomCommand]) -> None:
    room = ROOM.fold(history(ROOM, commands))
    for who, participant in room.participants.items():
        for connection in ("one", "two", None):
            writes = bool(ROOM.decide(room, leave(who, connection=connection)))
            assert writes is (connection == participant.connection_id)


@for_all(COMMANDS)
def test_roles_are_changed_by_moderators_only_and_never_of_who_came_as_one(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        for event in events:
            if isinstance(event, RoleChanged):
                target = before.participants[event.participant_id]
                assert before.is_moderator(event.changed_by)
                assert target.own_role != "moderator"
                assert event.role in {"moderator", target.own_role} - {target.role}


@for_all(COMMANDS)
def test_who_came_as_a_moderator_stays_one_while_they_are_here(commands: list[RoomCommand]) -> None:
    for participant in ROOM.fold(history(ROOM, commands)).participants.values():
        assert participant.own_role != "moderator" or participant.role == "moderator"
        assert participant.role in {"moderator", participant.own_role}


@for_all(COMMANDS)
def test_a_hand_that_moves_was_elsewhere_before(commands: list[RoomCommand]) -> None:
    for _, before, events in steps(ROOM, commands):
        for event in events:
            if isinstance(event, HandRaised | HandLowered):
                assert before.participants[event.participant_id].hand_is_up is isinstance(event, HandLowered)
