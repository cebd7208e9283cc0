"""What holds for whatever happens."""

from __future__ import annotations

import json

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.gateway.domain.room import ROOM, RoomCommand
from services.gateway.projections.roster import Goodbye, Notice, Roster
from services.gateway.signaling.envelope import enveloped
from shared.contracts.message import Event
from shared.contracts.room import SessionStarted
from tests.support.contracts import samples
from tests.support.moments import at
from tests.support.specification import steps
from tests.unit.gateway.domain.histories import COMMANDS
from tests.unit.gateway.projections.happened import (
    ENDED,
    FAILED,
    KEEPING,
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
    requested,
    role_changed,
    roster,
    withdrew,
)

_people = st.sampled_from(["ann", "bob"])
_of_people = [st.builds(kind, _people) for kind in (gave, withdrew, refused, cleared, raised, lowered, role_changed)]
EVENTS: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        st.sampled_from(
            [SESSION, KEEPING, ENDED, REQUESTED, requested("again"), STARTED, PAUSED, RESUMED, STOPPED, FAILED]
        ),
        st.sampled_from([*samples(), SessionStarted(at=at(), room_id="r", session_id="another")]),
        st.builds(joined, _people, connection=st.sampled_from(["one", "two", None])),
        st.builds(left, _people),
        *_of_people,
    ),
    max_size=40,
).flatmap(lambda events: st.sampled_from([[SESSION, *events], [KEEPING, *events]]))


@for_all(EVENTS)
def test_whatever_happens_in_whatever_order_can_be_taken_and_told(events: list[Event]) -> None:
    known = Roster()
    for event in events:
        for each in known.apply(event):
            if isinstance(each, Notice):
                assert json.loads(enveloped(each.message, at()))["payload"]["message"]
                assert not (each.about and each.only)
        for live in known.sessions.values():
            assert not live.present.keys() & live.gone.keys()
            assert all(peer.left_at is None for peer in live.present.values())
            assert all(peer.left_at for peer in live.gone.values())


@for_all(EVENTS)
def test_what_a_roster_knows_is_made_of_events_alone(events: list[Event]) -> None:
    assert roster(*events).sessions == roster(*events).sessions


@for_all(EVENTS)
def test_a_goodbye_is_said_to_the_connection_that_they_were_here_by(events: list[Event]) -> None:
    known, connections = Roster(), dict[str, str | None]()
    for event in events:
        said = [each for each in known.apply(event) if isinstance(each, Goodbye)]
        assert all(connections.get(each.participant_id) == each.connection_id for each in said)
        live = known.session("r")
        connections = {who: peer.connection_id for who, peer in live.present.items()} if live else {}


@for_all(COMMANDS)
def test_whoever_the_room_says_is_present_is_so_in_the_roster(commands: list[RoomCommand]) -> None:
    known = Roster()
    for _, before, events in steps(ROOM, commands):
        room = ROOM.fold(events, before)
        for event in events:
            known.apply(event)
        live = known.session("r")
        assert (live.session_id if live else None) == room.session_id
        assert _present(known) == {
            who: (each.display_name, each.role, each.own_role, each.joined_at, each.connection_id, each.hand_is_up)
            for who, each in room.participants.items()
        }


def _present(known: Roster) -> dict[str, tuple[object, ...]]:
    live = known.session("r")
    return {
        who: (peer.display_name, peer.role, peer.own_role, peer.joined_at, peer.connection_id, peer.hand_is_up)
        for who, peer in (live.present.items() if live else ())
    }
