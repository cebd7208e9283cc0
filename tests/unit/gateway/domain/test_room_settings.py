"""What a room is made with, and what that means for who joins and for how long a session is."""

from __future__ import annotations

import pytest

from services.gateway.domain.room import ROOM, CreateRoom, OpenBreakoutRoom
from services.gateway.domain.room_errors import ParticipantNotAllowedError, RoomDeactivatedError, RoomNotFoundError
from services.gateway.domain.room_life import RoomSettings
from shared.contracts.room import RoomCreated, SessionStarted
from shared.contracts.room_settings import Attestation, AutoClose, MediaSource
from tests.support.moments import at
from tests.support.specification import given
from tests.unit.gateway.domain.words import (
    CREATED,
    STARTED,
    deactivate,
    deactivated,
    ended,
    join,
    joined,
    leave,
    left,
)

EVERYTHING = RoomSettings(
    webhook_url="https://example.org/hook",
    webhook_events=("session*",),
    consent_policy="keep",
    withdrawal_policy="erase",
    auto_close=AutoClose(minutes=90, deactivates=True),
    allowed_participant_ids=("ann",),
    attestation=Attestation(reference="contract 7"),
    media=MediaSource(type="rtp"),
    storage_prefix="team/meetings",
)


def test_a_room_says_and_knows_all_that_it_was_made_with() -> None:
    outcome = given(ROOM).when(CreateRoom("r", at(3), "weekly", EVERYTHING))
    outcome.then(
        RoomCreated(
            at=at(3),
            room_id="r",
            custom_room_id="weekly",
            webhook_url="https://example.org/hook",
            webhook_events=("session*",),
            consent_policy="keep",
            withdrawal_policy="erase",
            auto_close=AutoClose(minutes=90, deactivates=True),
            allowed_participant_ids=("ann",),
            attestation=Attestation(reference="contract 7"),
            media=MediaSource(type="rtp"),
            storage_prefix="team/meetings",
        )
    )
    room = given(ROOM, *outcome.events).state
    assert (room.settings, room.custom_room_id, room.created_at) == (EVERYTHING, "weekly", at(3))


# --- who may join


def test_only_who_is_allowed_joins() -> None:
    created = RoomCreated(at=at(), room_id="r", allowed_participant_ids=("ann", "cy"))
    given(ROOM, created).when(join("ann")).then(STARTED, joined("ann"))
    given(ROOM, created, STARTED, joined("ann")).when(join("cy")).then(joined("cy"))
    outcome = given(ROOM, created).when(join("bob"))
    outcome.then_refused(ParticipantNotAllowedError)
    assert outcome.refusal
    assert outcome.refusal.code == "participant_not_allowed"


def test_where_nobody_is_named_anybody_joins() -> None:
    given(ROOM, CREATED).when(join("bob")).then(STARTED, joined("bob"))


# --- deactivated


def test_a_room_is_deactivated_once() -> None:
    given(ROOM, CREATED).when(deactivate()).then(deactivated())
    given(ROOM, CREATED, deactivated()).when(deactivate(20)).then_nothing()
    assert given(ROOM, CREATED, deactivated()).state.deactivated_at == at(9)


def test_a_room_that_was_not_created_is_not_deactivated() -> None:
    given(ROOM).when(deactivate()).then_refused(RoomNotFoundError)


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_nobody_joins_a_deactivated_room_anew_or_again(who: str) -> None:
    live = CREATED, STARTED, joined("bob", connection="one"), deactivated()
    outcome = given(ROOM, *live).when(join(who, second=20, connection="two"))
    outcome.then_refused(RoomDeactivatedError)
    assert outcome.refusal
    assert outcome.refusal.code == "room_deactivated"


def test_who_is_in_a_deactivated_room_stays_and_the_session_ends_with_the_last() -> None:
    live = CREATED, STARTED, joined(), deactivated()
    assert given(ROOM, *live).state.session_id == "s"
    given(ROOM, *live).when(join(second=20)).then_nothing()
    given(ROOM, *live).when(leave(second=20)).then(left(second=20), ended(second=20))


def test_a_deactivated_room_opens_no_breakout_rooms() -> None:
    given(ROOM, CREATED, deactivated()).when(OpenBreakoutRoom("r", "b", "Group", at(20))).then_refused(
        RoomDeactivatedError
    )


# --- how long a session is


def test_a_session_says_when_it_closes_by_itself() -> None:
    created = RoomCreated(at=at(), room_id="r", auto_close=AutoClose(minutes=2))
    started = SessionStarted(at=at(1), room_id="r", session_id="s", closes_at=at(121))
    given(ROOM, created).when(join()).then(started, joined())
