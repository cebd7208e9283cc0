"""Rooms as the gateway handles them: what they are made with, and who may ask for what in them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from services.gateway.domain.room import ROOM
from services.gateway.domain.room_errors import (
    InsufficientPermissionsError,
    NotInRoomError,
    RoomDeactivatedError,
    RoomNotFoundError,
    SessionNotFoundError,
)
from services.gateway.domain.room_life import RoomSettings
from services.gateway.rooms import NestedBreakoutRoomError, Rooms
from shared.contracts.message import Event
from shared.contracts.room import (
    BreakoutRoomOpened,
    ConsentPolicy,
    ParticipantJoined,
    ParticipantLeft,
    RoomCreated,
    RoomDeactivated,
    SessionEnded,
    SessionStarted,
    room_stream,
)
from shared.eventsourcing.codec import decode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import Horizon
from tests.support.events import sequence_all
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore
from tests.unit.gateway.domain.test_room_settings import EVERYTHING


class Handled:
    def __init__(self) -> None:
        self.store = UnreliableEventStore()
        self.horizon = Horizon(at)
        self.rooms = Rooms(CommandHandler(self.store, ROOM), self.horizon, at, lambda: "gateway")

    async def log(self) -> list[Event]:
        await sequence_all(self.store)
        return [decode(stored) for stored in await self.store.read_all()]

    async def created(self, room_id: str) -> RoomCreated:
        event = decode((await self.store.read(room_stream(room_id)))[0])
        assert isinstance(event, RoomCreated)
        return event


@pytest.fixture
async def handled() -> Handled:
    return Handled()


# --- making rooms


@pytest.mark.parametrize("policy", ["clear", "keep"])
async def test_a_room_is_made_with_what_was_asked_for(handled: Handled, policy: ConsentPolicy) -> None:
    room_id = await handled.rooms.create(
        "server", "weekly", RoomSettings(webhook_url="https://example.org/hook", consent_policy=policy)
    )
    created = await handled.created(room_id)
    assert (created.custom_room_id, created.webhook_url) == ("weekly", "https://example.org/hook")
    assert (created.consent_policy, created.parent_room_id) == (policy, None)
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    (started,) = [event for event in await handled.log() if isinstance(event, SessionStarted)]
    assert started.consent_policy == policy


async def test_the_same_custom_id_gives_the_same_room_as_it_was_made_first(handled: Handled) -> None:
    first = await handled.rooms.create("server", "weekly", RoomSettings(consent_policy="keep"))
    assert await handled.rooms.create("server", "weekly") == first
    assert (await handled.created(first)).consent_policy == "keep"


async def test_rooms_without_a_custom_id_are_rooms_of_their_own(handled: Handled) -> None:
    rooms = {await handled.rooms.create("server", None) for _ in range(20)}
    assert len(rooms) == 20
    assert all(re.fullmatch("[a-z]{4}-[a-z]{4}-[a-z]{4}", room_id) for room_id in rooms)


# --- breakout rooms


@pytest.mark.parametrize("policy", ["clear", "keep"])
async def test_a_breakout_room_is_a_room_with_its_parents_webhook_and_policy(
    handled: Handled, policy: ConsentPolicy
) -> None:
    parent = await handled.rooms.create(
        "server", "weekly", RoomSettings(webhook_url="https://example.org/hook", consent_policy=policy)
    )
    breakout = await handled.rooms.open_breakout_room("server", parent, "Group 1")
    created = await handled.created(breakout)
    assert (created.webhook_url, created.consent_policy) == ("https://example.org/hook", policy)
    assert (created.parent_room_id, created.custom_room_id) == (parent, None)
    assert (await handled.rooms.room(parent)).breakout_rooms == {breakout}


async def test_a_breakout_room_can_be_entered_when_its_parent_tells_of_it(handled: Handled) -> None:
    parent = await handled.rooms.create("server", None)
    await handled.rooms.open_breakout_room("server", parent, "Group 1")
    assert [type(event) for event in await handled.log()] == [RoomCreated, RoomCreated, BreakoutRoomOpened]


async def test_a_room_has_as_many_breakout_rooms_as_are_opened_also_of_one_name(handled: Handled) -> None:
    parent = await handled.rooms.create("server", None)
    opened = {await handled.rooms.open_breakout_room("server", parent, "Group") for _ in range(3)}
    assert len(opened) == 3
    assert (await handled.rooms.room(parent)).breakout_rooms == opened


async def test_a_breakout_room_has_none_itself(handled: Handled) -> None:
    parent = await handled.rooms.create("server", None)
    breakout = await handled.rooms.open_breakout_room("server", parent, "Group")
    with pytest.raises(NestedBreakoutRoomError, match=f"open another one in room {parent}"):
        await handled.rooms.open_breakout_room("server", breakout, "Group")


async def test_a_room_that_is_not_there_has_no_breakout_rooms(handled: Handled) -> None:
    with pytest.raises(RoomNotFoundError):
        await handled.rooms.open_breakout_room("server", "nowhere", "Group")
    assert await handled.log() == []


async def test_sessions_of_a_breakout_room_and_its_parent_are_two(handled: Handled) -> None:
    parent = await handled.rooms.create("server", None)
    breakout = await handled.rooms.open_breakout_room("server", parent, "Group")
    for room_id in (parent, breakout):
        await handled.rooms.join(room_id, "ann", f"by {room_id}", "Ann", "user")
    sessions = [await handled.rooms.session_of(room_id, "ann") for room_id in (parent, breakout)]
    assert sessions[0] != sessions[1]


# --- who is in the room


async def test_only_who_is_present_is_in_a_session(handled: Handled) -> None:
    room_id = await handled.rooms.create("server", None)
    with pytest.raises(NotInRoomError):
        await handled.rooms.session_of(room_id, "ann")
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    assert await handled.rooms.session_of(room_id, "ann") == (await handled.rooms.room(room_id)).session_id
    with pytest.raises(NotInRoomError):
        await handled.rooms.session_of(room_id, "bob")
    with handled.rooms.leaving() as moment:
        await handled.rooms.leave(room_id, "ann", "one", "quit", moment)
    with pytest.raises(NotInRoomError):
        await handled.rooms.session_of(room_id, "ann")


async def test_only_who_moderates_now_moderates_a_session(handled: Handled) -> None:
    room_id = await handled.rooms.create("server", None)
    await handled.rooms.join(room_id, "mona", "one", "Mona", "moderator")
    await handled.rooms.join(room_id, "ann", "two", "Ann", "user")
    session_id = await handled.rooms.moderated_session(room_id, "mona")
    with pytest.raises(InsufficientPermissionsError):
        await handled.rooms.moderated_session(room_id, "ann")
    await handled.rooms.change_role(room_id, "mona", "ann", moderates=True)
    assert await handled.rooms.moderated_session(room_id, "ann") == session_id
    await handled.rooms.change_role(room_id, "mona", "ann", moderates=False)
    with pytest.raises(InsufficientPermissionsError):
        await handled.rooms.moderated_session(room_id, "ann")


async def test_the_log_says_who_did_it(handled: Handled) -> None:
    room_id = await handled.rooms.create("server", None)
    await handled.rooms.join(room_id, "mona", "one", "Mona", "moderator")
    await handled.rooms.join(room_id, "ann", "two", "Ann", "user")
    await handled.rooms.raise_hand(room_id, "ann")
    await handled.rooms.change_role(room_id, "mona", "ann", moderates=True)
    await handled.rooms.lose(room_id, "gateway")
    stored = await handled.store.read(room_stream(room_id))
    assert [event.actor.removeprefix("participant:") for event in stored] == [
        *("server", "mona", "mona", "ann"),  # created, session started, joined, joined
        *("ann", "mona", "service:gateway", "service:gateway", "service:gateway"),  # everybody left, session ended
    ]


async def test_a_join_and_a_leave_come_after_every_horizon_that_was_told(handled: Handled) -> None:
    """Words of before must not outrun a connection that replaces another, and none come after a leave."""
    room_id = await handled.rooms.create("server", None)
    told = handled.horizon.known_until()
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    with handled.rooms.leaving() as moment:
        await handled.rooms.leave(room_id, "ann", "one", "quit", moment)
    events = await handled.log()
    assert all(event.at > told for event in events[1:])


# --- ended and sent away by a server


async def test_a_server_ends_a_session_at_a_moment_after_every_horizon_that_was_told(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    session_id, told = await handled.rooms.session_of(room_id, "ann"), handled.horizon.known_until()
    assert await handled.rooms.end_session("server:key", room_id) == session_id
    left, ended = (await handled.log())[-2:]
    assert (type(left), type(ended)) == (ParticipantLeft, SessionEnded)
    assert left.at == ended.at > told
    with pytest.raises(SessionNotFoundError):
        await handled.rooms.end_session("server:key", room_id)


async def test_a_server_removes_somebody_at_a_moment_after_every_horizon_that_was_told(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    for who in ("ann", "bob"):
        await handled.rooms.join(room_id, who, who, who, "user")
    session_id, told = await handled.rooms.session_of(room_id, "ann"), handled.horizon.known_until()
    assert await handled.rooms.remove("server:key", room_id, "ann") == session_id
    left = (await handled.log())[-1]
    assert isinstance(left, ParticipantLeft)
    assert (left.participant_id, left.reason) == ("ann", "removed")
    assert left.at > told
    with pytest.raises(NotInRoomError):
        await handled.rooms.remove("server:key", room_id, "ann")


async def test_a_room_is_deactivated_with_its_breakout_rooms(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    breakout = await handled.rooms.open_breakout_room("server:key", room_id, "Group")
    for _ in range(2):
        await handled.rooms.deactivate("server:key", room_id)
    for each in (room_id, breakout):
        with pytest.raises(RoomDeactivatedError):
            await handled.rooms.join(each, "ann", "one", "Ann", "user")
    assert [type(event) for event in await handled.log()].count(RoomDeactivated) == 2


async def test_a_deactivated_room_has_no_new_breakout_rooms_made_for_it(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.deactivate("server:key", room_id)
    before = await handled.log()
    with pytest.raises(RoomDeactivatedError):
        await handled.rooms.open_breakout_room("server:key", room_id, "Group")
    assert await handled.log() == before


async def test_a_breakout_room_is_made_with_all_that_its_parent_was_made_with(handled: Handled) -> None:
    parent = await handled.rooms.create("server:key", None, EVERYTHING)
    breakout = await handled.rooms.open_breakout_room("server:key", parent, "Group")
    assert (await handled.rooms.room(breakout)).settings == EVERYTHING


# --- here by no connection


async def test_who_joins_by_media_leaves_by_its_end(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.join_by_media("server:key", room_id, "ann", "Ann")
    (joined,) = [event for event in await handled.log() if isinstance(event, ParticipantJoined)]
    assert (joined.display_name, joined.role, joined.gateway_id, joined.connection_id) == ("Ann", "user", None, None)
    await handled.rooms.leave_by_media("server:key", room_id, "ann")
    with pytest.raises(NotInRoomError):
        await handled.rooms.leave_by_media("server:key", room_id, "ann")


async def test_a_join_and_a_leave_by_media_come_after_every_horizon_that_was_told(handled: Handled) -> None:
    """The clock may have been set back since."""
    room_id = await handled.rooms.create("server:key", None)
    for change in (
        lambda: handled.rooms.join_by_media("server:key", room_id, "ann", "Ann"),
        lambda: handled.rooms.leave_by_media("server:key", room_id, "ann"),
    ):
        told = handled.horizon.known_until()
        await change()
        assert (await handled.log())[-1].at > told


async def test_one_of_two_that_bring_somebody_at_once_is_told_that_they_joined_by_it(handled: Handled) -> None:
    """Else the one whose media is refused would take them away from the other."""
    room_id = await handled.rooms.create("server:key", None)
    brought = [await handled.rooms.join_by_media("server:key", room_id, "ann", "Ann") for _ in range(2)]
    assert brought == [True, False]


async def test_who_is_here_by_a_connection_does_not_leave_by_the_end_of_media(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    await handled.rooms.join_by_media("server:key", room_id, "ann", "Ann")
    with pytest.raises(NotInRoomError):
        await handled.rooms.leave_by_media("server:key", room_id, "ann")
    assert (await handled.rooms.room(room_id)).participants["ann"].connection_id == "one"


# --- what the log did not answer to


_CHANGES: dict[str, Callable[[Rooms, str], Awaitable[object]]] = {
    "join": lambda rooms, room_id: rooms.join(room_id, "ann", "two", "Ann", "user"),
    "join by media": lambda rooms, room_id: rooms.join_by_media("server:key", room_id, "cy", "Cy"),
    "leave by media": lambda rooms, room_id: rooms.leave_by_media("server:key", room_id, "bob"),
    "remove": lambda rooms, room_id: rooms.remove("server:key", room_id, "ann"),
    "end": lambda rooms, room_id: rooms.end_session("server:key", room_id),
    "lose": lambda rooms, room_id: rooms.lose(room_id, "gateway"),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES.keys())
async def test_what_the_log_did_not_answer_to_may_be_in_it_so_the_horizon_stays(
    handled: Handled, change: Callable[[Rooms, str], Awaitable[object]]
) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    await handled.rooms.join_by_media("server:key", room_id, "bob", "Bob")
    assert not handled.horizon.holds_words
    handled.store.refusals, handled.store.writes_before_it_refuses = 1, True
    with pytest.raises(LogUnavailableError):
        await change(handled.rooms, room_id)
    assert handled.horizon.holds_words
    assert handled.horizon.known_until() < (await handled.log())[-1].at


async def test_a_fenced_gateway_changes_nothing_in_a_room(handled: Handled) -> None:
    room_id = await handled.rooms.create("server:key", None)
    await handled.rooms.join(room_id, "ann", "one", "Ann", "user")
    before = await handled.log()
    handled.horizon.fence()
    for change in (_CHANGES["join"], _CHANGES["join by media"], _CHANGES["remove"], _CHANGES["end"]):
        with pytest.raises(LogUnavailableError):
            await change(handled.rooms, room_id)
    assert await handled.log() == before
