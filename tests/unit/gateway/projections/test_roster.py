"""Who is told what happens to the people in a room."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from services.gateway.projections.live_session import LiveSession
from services.gateway.projections.roster import Goodbye, Notice, Roster, target_id
from services.gateway.signaling import events as told
from shared.contracts.consent import ClearReason
from shared.contracts.message import Event
from shared.contracts.room import BreakoutRoomOpened, LeaveReason, Role, RoomCreated, SessionStarted
from tests.support.contracts import samples
from tests.support.moments import at
from tests.unit.gateway.projections.happened import (
    ENDED,
    FAILED,
    PAUSED,
    REQUESTED,
    RESUMED,
    SESSION,
    STARTED,
    STOPPED,
    cleared,
    gave,
    joined,
    left,
    lowered,
    raised,
    refused,
    role_changed,
    roster,
    seen,
    session,
    withdrew,
)


def payload(notice: Notice | Goodbye) -> dict[str, Any]:
    assert isinstance(notice, Notice)
    said: dict[str, Any] = json.loads(notice.message.model_dump_json())
    return said


def assert_all_but_ann_are_told(notice: Notice | Goodbye, kind: type[told.ServerMessage], said: dict[str, Any]) -> None:
    assert isinstance(notice, Notice)
    assert type(notice.message) is kind
    assert notice == Notice("r", notice.message, about="ann", only=None, of_streams=False)
    assert payload(notice) == said


# --- coming and going


@pytest.mark.parametrize("role", ["guest", "user", "moderator"])
def test_everybody_else_is_told_who_joined(role: Role) -> None:
    (notice,) = roster(SESSION).apply(joined(role=role))
    assert_all_but_ann_are_told(notice, told.Joined, {"message": "joined", **seen(role=role)})


_TOLD_AS = [
    ("quit", "quit"),
    ("timeout", "timeout"),
    ("replaced", "replaced"),
    ("removed", "kicked"),
    ("session_ended", "quit"),
]


@pytest.mark.parametrize(("reason", "told_as"), _TOLD_AS)
def test_everybody_else_is_told_who_left_and_why(reason: LeaveReason, told_as: str) -> None:
    (notice,) = roster(SESSION, joined()).apply(left(reason=reason))
    assert_all_but_ann_are_told(notice, told.Left, {"message": "left", "id": "ann", "reason": told_as})


@pytest.mark.parametrize("reason", get_args(LeaveReason))
def test_the_connection_of_who_left_is_one_no_more(reason: LeaveReason) -> None:
    known = roster(SESSION, joined(connection="one"), joined("bob", connection="other"))
    _, goodbye = known.apply(left(reason=reason))
    assert goodbye == Goodbye("r", "ann", "one", reason)


def test_who_was_here_by_no_connection_is_told_no_goodbye() -> None:
    assert [type(each) for each in roster(SESSION, joined()).apply(left())] == [Notice]


def test_who_is_replaced_is_seen_to_leave_and_to_join() -> None:
    known = roster(SESSION, joined(connection="one"))
    others_hear = [*known.apply(left(reason="replaced")), *known.apply(joined(connection="two"))]
    assert others_hear[1] == Goodbye("r", "ann", "one", "replaced")
    assert [payload(others_hear[index])["message"] for index in (0, 2)] == ["left", "joined"]
    (_, goodbye) = known.apply(left())
    assert goodbye == Goodbye("r", "ann", "two", "quit")


# --- consent


def test_everybody_else_is_told_who_consents() -> None:
    (notice,) = roster(SESSION, joined()).apply(gave())
    assert_all_but_ann_are_told(notice, told.Update, {"message": "update", **seen(consents=True)})


@pytest.mark.parametrize("no", [withdrew(), refused()])
@pytest.mark.parametrize("before", [(), (gave(),)])
def test_everybody_else_is_told_who_does_not_consent(no: Event, before: tuple[Event, ...]) -> None:
    (notice,) = roster(SESSION, joined(), *before).apply(no)
    assert_all_but_ann_are_told(notice, told.Update, {"message": "update", **seen(consents=False)})


@pytest.mark.parametrize("word", [gave(), withdrew(), refused()])
def test_everybody_else_is_told_each_word_also_one_that_changes_nothing(word: Event) -> None:
    known = roster(SESSION, joined(), word)
    assert known.apply(word) == known.apply(word) != []


@pytest.mark.parametrize("reason", ["left", "recording_stopped"])
@pytest.mark.parametrize("before", [(joined(), gave()), (joined(), gave(), left()), ()])
def test_nobody_is_told_of_a_cleared_consent(reason: ClearReason, before: tuple[Event, ...]) -> None:
    assert roster(SESSION, *before).apply(cleared(reason=reason)) == []


def test_nobody_is_told_a_word_of_who_is_not_there() -> None:
    assert roster(SESSION).apply(gave("bob")) == []
    assert roster(SESSION, joined(), left()).apply(withdrew()) == []


# --- roles and hands


def test_who_has_another_role_is_told_so_and_everybody_else_sees_it() -> None:
    yours, update = roster(SESSION, joined()).apply(role_changed())
    assert yours == Notice("r", told.RoleUpdated(new_role="moderator"), only="ann")
    assert payload(yours) == {"message": "role_updated", "new_role": "moderator"}
    assert_all_but_ann_are_told(update, told.Update, {"message": "update", **seen(role="moderator", came_as="user")})


def test_who_came_as_a_guest_is_seen_as_one_whatever_they_are_made() -> None:
    _, update = roster(SESSION, joined(role="guest")).apply(role_changed())
    assert payload(update)["control"]["role"] == "moderator"
    assert payload(update)["control"]["participation_kind"] == "guest"


def test_everybody_else_sees_a_hand_go_up_and_down() -> None:
    known = roster(SESSION, joined())
    (up,) = known.apply(raised(second=4))
    assert_all_but_ann_are_told(up, told.Update, {"message": "update", **seen(hand=(True, at(4)))})
    (down,) = known.apply(lowered(second=5))
    assert_all_but_ann_are_told(down, told.Update, {"message": "update", **seen(hand=(False, at(5)))})


def test_who_is_not_there_has_no_hand_and_no_role() -> None:
    assert roster(SESSION).apply(raised()) == []
    assert [type(each) for each in roster(SESSION).apply(role_changed())] == [Notice]


# --- whom it is nothing to

NOBODY_HEARS = [
    RoomCreated(at=at(), room_id="r"),
    BreakoutRoomOpened(at=at(), room_id="r", breakout_room_id="b", name="Group"),
    SESSION,
    ENDED,
    REQUESTED,
]
WITHIN = [
    joined(connection="one"),
    left(),
    role_changed(),
    raised(),
    lowered(),
    gave(),
    refused(),
    withdrew(),
    cleared(),
    REQUESTED,
    STARTED,
    PAUSED,
    RESUMED,
    STOPPED,
    FAILED,
]


@pytest.mark.parametrize("event", NOBODY_HEARS)
def test_nobody_is_told_of_what_has_no_message(event: Event) -> None:
    assert roster(SESSION, joined()).apply(event) == []


@pytest.mark.parametrize("event", WITHIN)
def test_nobody_is_told_of_a_session_that_is_not_live(event: Event) -> None:
    assert Roster().apply(event) == []
    another = SessionStarted(at=at(), room_id="r", session_id="another")
    known = roster(another)
    assert known.apply(event) == []
    assert known.session("r") == LiveSession("another")


@pytest.mark.parametrize("event", samples())
def test_every_event_of_the_log_is_taken(event: Event) -> None:
    assert Roster().apply(event) == []


# --- rooms


def test_a_session_that_ended_is_forgotten_with_everything_in_it() -> None:
    assert roster(SESSION, joined(), gave(), REQUESTED, STARTED, ENDED).session("r") is None
    assert session(SESSION, joined(), gave(), REQUESTED, STARTED, ENDED, SESSION) == LiveSession("s")


def test_rooms_have_nothing_to_do_with_each_other() -> None:
    other = SessionStarted(at=at(), room_id="q", session_id="t")
    known = roster(SESSION, other, joined())
    assert known.session("q") == LiveSession("t")
    assert known.session("nowhere") is None
    assert known.sessions.keys() == {"r", "q"}


def test_a_room_has_one_target_always_the_same_and_no_other_room_has_it() -> None:
    """Clients keep it; a change of it breaks who is connected while the gateway is replaced."""
    assert target_id("r") == "e942ddc5-696e-57e3-a766-61073dbe4d98"
    assert len({target_id(room) for room in ("r", "q", "R", "")}) == 4
