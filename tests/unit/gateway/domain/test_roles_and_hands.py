"""Who may moderate, and whose hand is up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.gateway.domain.room import ROOM, ChangeRole, MoveHand, RoomCommand
from services.gateway.domain.room_errors import (
    InsufficientPermissionsError,
    NothingToDoError,
    RoomNotFoundError,
    TargetIsRoomOwnerError,
)
from services.gateway.domain.room_life import RoomHappened
from shared.contracts.room import Role
from tests.support.specification import given
from tests.unit.gateway.domain.words import (
    CREATED,
    STARTED,
    ended,
    grant,
    joined,
    left,
    lower_hand,
    lowered,
    raise_hand,
    raised,
    revoke,
    role_changed,
)

Change = Callable[[str, str], ChangeRole]

#: Mona and Olga moderate by their tokens.
HERE = (
    CREATED,
    STARTED,
    joined("mona", role="moderator"),
    joined("olga", role="moderator"),
    joined("ann"),
    joined("gus", role="guest"),
)
ANN_MODERATES = *HERE, role_changed("ann", "moderator")


# --- roles


@pytest.mark.parametrize("who", ["ann", "gus"])
def test_a_moderator_makes_somebody_a_moderator(who: str) -> None:
    given(ROOM, *HERE).when(grant(who)).then(role_changed(who, "moderator"))
    assert given(ROOM, *HERE, role_changed(who, "moderator")).state.is_moderator(who)


@pytest.mark.parametrize(("who", "came_as"), [("ann", "user"), ("gus", "guest")])
def test_revoking_gives_back_the_role_they_came_with(who: str, came_as: Role) -> None:
    events = *HERE, role_changed(who, "moderator")
    given(ROOM, *events).when(revoke(who)).then(role_changed(who, came_as))


def test_who_was_made_a_moderator_may_make_others_moderators() -> None:
    given(ROOM, *ANN_MODERATES).when(grant("gus", by="ann")).then(role_changed("gus", "moderator", by="ann"))


def test_who_was_made_a_moderator_may_step_down() -> None:
    given(ROOM, *ANN_MODERATES).when(revoke("ann", by="ann")).then(role_changed("ann", "user", by="ann"))


@pytest.mark.parametrize("change", [grant, revoke])
@pytest.mark.parametrize("target", ["ann", "gus", "mona", "nobody"])
def test_only_moderators_change_roles_whoever_it_is_about(change: Change, target: str) -> None:
    given(ROOM, *HERE).when(change(target, "ann")).then_refused(InsufficientPermissionsError)


def test_who_is_a_moderator_no_longer_changes_no_roles() -> None:
    events = *ANN_MODERATES, role_changed("ann", "user")
    given(ROOM, *events).when(grant("gus", by="ann")).then_refused(InsufficientPermissionsError)


@pytest.mark.parametrize("gone", [(left("mona"),), (*map(left, ["mona", "olga", "ann", "gus"]), ended())])
def test_a_moderator_who_left_changes_no_roles(gone: tuple[RoomHappened, ...]) -> None:
    given(ROOM, *HERE, *gone).when(grant("ann")).then_refused(InsufficientPermissionsError)


@pytest.mark.parametrize("change", [grant, revoke])
@pytest.mark.parametrize("by", ["mona", "olga"])
def test_nobody_changes_the_role_of_who_came_as_a_moderator(change: Change, by: str) -> None:
    given(ROOM, *HERE).when(change("olga", by)).then_refused(TargetIsRoomOwnerError)


def test_who_was_made_a_moderator_does_not_take_it_from_who_came_as_one() -> None:
    given(ROOM, *ANN_MODERATES).when(revoke("mona", by="ann")).then_refused(TargetIsRoomOwnerError)


@pytest.mark.parametrize("command", [revoke("ann"), revoke("gus"), grant("nobody"), revoke("nobody")])
def test_there_is_nothing_to_do_for_who_has_that_role_and_for_who_is_not_here(command: RoomCommand) -> None:
    given(ROOM, *HERE).when(command).then_refused(NothingToDoError)


def test_there_is_nothing_to_do_for_who_was_made_a_moderator_before() -> None:
    given(ROOM, *ANN_MODERATES).when(grant("ann")).then_refused(NothingToDoError)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (grant("ann", by="gus"), "insufficient_permissions", "participant gus is no moderator of this room"),
        (revoke("olga"), "target_is_room_owner", "participant olga is a moderator by their token"),
        (revoke("ann"), "nothing_to_do", "participant ann is user already"),
        (grant("bob"), "nothing_to_do", "participant bob is not in the room"),
    ],
)
def test_a_refusal_says_why(command: RoomCommand, code: str, message: str) -> None:
    refusal = given(ROOM, *HERE).when(command).refusal
    assert refusal
    assert refusal.code == code
    assert message in str(refusal)


# --- hands


def test_a_hand_is_raised_and_lowered() -> None:
    given(ROOM, *HERE).when(raise_hand()).then(raised())
    given(ROOM, *HERE, raised()).when(lower_hand()).then(lowered())
    assert given(ROOM, *HERE, raised()).state.participants["ann"].hand_is_up
    assert not given(ROOM, *HERE, raised(), lowered()).state.participants["ann"].hand_is_up


def test_a_hand_that_is_up_is_not_raised() -> None:
    given(ROOM, *HERE, raised()).when(raise_hand()).then_nothing()


@pytest.mark.parametrize("events", [HERE, (*HERE, raised(), lowered())])
def test_a_hand_that_is_down_is_not_lowered(events: tuple[RoomHappened, ...]) -> None:
    given(ROOM, *events).when(lower_hand()).then_nothing()


@pytest.mark.parametrize("command", [raise_hand("nobody"), lower_hand("nobody")])
def test_who_is_not_here_has_no_hand(command: RoomCommand) -> None:
    given(ROOM, *HERE).when(command).then_nothing()


def test_one_hand_moves_no_other() -> None:
    room = given(ROOM, *HERE, raised("ann")).state
    assert [who for who, each in room.participants.items() if each.hand_is_up] == ["ann"]


def test_roles_and_hands_have_nothing_to_do_with_each_other() -> None:
    ann = given(ROOM, *HERE, raised("ann"), role_changed("ann", "moderator")).state.participants["ann"]
    assert (ann.role, ann.own_role, ann.hand_is_up) == ("moderator", "user", True)


@pytest.mark.parametrize("command", [grant("ann"), raise_hand(), lower_hand()])
def test_a_room_that_was_not_created_has_neither(command: ChangeRole | MoveHand) -> None:
    given(ROOM).when(command).then_refused(RoomNotFoundError)
