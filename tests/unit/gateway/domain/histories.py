"""Any commands that a room may be given, and any events, in any order."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from services.gateway.domain.room import CreateRoom, OpenBreakoutRoom, RoomCommand
from services.gateway.domain.room_life import RoomHappened, RoomSettings
from shared.contracts.room import BreakoutRoomOpened, LeaveReason, Role, SessionEndReason
from shared.contracts.room_settings import AutoClose
from tests.support.moments import at
from tests.unit.gateway.domain.words import (
    CREATED,
    STARTED,
    deactivate,
    deactivated,
    end,
    ended,
    grant,
    join,
    joined,
    leave,
    left,
    lose,
    lower_hand,
    lowered,
    raise_hand,
    raised,
    remove,
    revoke,
    role_changed,
)

PEOPLE = st.sampled_from(["ann", "bob", "cy"])
_seconds = st.integers(0, 5)
_roles: st.SearchStrategy[Role] = st.sampled_from(get_args(Role))
_reasons: st.SearchStrategy[LeaveReason] = st.sampled_from(get_args(LeaveReason))
_connections = st.sampled_from(["one", "two", None])

_sessions = st.sampled_from(["s", "t", None])
_SETTINGS = st.builds(
    RoomSettings,
    auto_close=st.none() | st.builds(AutoClose, minutes=st.integers(1, 3), deactivates=st.booleans()),
    allowed_participant_ids=st.none() | st.just(("ann", "bob")),
)

COMMANDS: st.SearchStrategy[list[RoomCommand]] = st.lists(
    st.one_of(
        st.builds(lambda second: CreateRoom("r", at(second)), _seconds),
        st.builds(deactivate, _seconds),
        st.builds(remove, PEOPLE, _seconds, _sessions),
        st.builds(end, _seconds, _sessions, st.sampled_from(get_args(SessionEndReason))),
        st.builds(lambda breakout: OpenBreakoutRoom("r", breakout, "Group", at()), st.sampled_from(["b", "c"])),
        st.builds(join, PEOPLE, st.sampled_from(["s", "t"]), _seconds, _roles, _connections),
        st.builds(leave, PEOPLE, _seconds, _connections, _reasons),
        st.builds(lose, st.sampled_from(["one", "two"]), _seconds),
        st.builds(grant, PEOPLE, PEOPLE),
        st.builds(revoke, PEOPLE, PEOPLE),
        st.builds(raise_hand, PEOPLE),
        st.builds(lower_hand, PEOPLE),
    ),
    max_size=30,
).flatmap(lambda commands: _SETTINGS.map(lambda settings: [CreateRoom("r", at(), settings=settings), *commands]))

EVENTS: st.SearchStrategy[list[RoomHappened]] = st.lists(
    st.one_of(
        st.just(CREATED),
        st.just(STARTED),
        st.just(BreakoutRoomOpened(at=at(), room_id="r", breakout_room_id="b", name="Group")),
        st.builds(joined, PEOPLE, role=_roles, connection=_connections),
        st.builds(left, PEOPLE, reason=_reasons),
        st.builds(role_changed, PEOPLE, _roles),
        st.builds(raised, PEOPLE),
        st.builds(lowered, PEOPLE),
        st.just(ended()),
        st.just(deactivated()),
    )
)
