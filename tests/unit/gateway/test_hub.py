"""Who of a gateway's clients is told what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from services.gateway import hub as module
from services.gateway.hub import Hub
from shared.contracts.message import Event
from shared.contracts.room import LeaveReason, ParticipantJoined, SessionStarted
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import UnknownEventTypeError
from shared.messaging.follower import Follower
from shared.messaging.message import event_message
from tests.support.events import append, new_event, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.unit.gateway.projections.happened import (
    FAILED,
    REQUESTED,
    SESSION,
    STARTED,
    cleared,
    gave,
    joined,
    left,
    role_changed,
)


@dataclass
class FakeClient:
    participant_id: str
    connection_id: str = "one"
    asks_for_streams: bool = False
    resumption: bytes = b""
    texts: list[str] = field(default_factory=list)
    dismissed: list[LeaveReason] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.texts.append(text)

    def dismiss(self, reason: LeaveReason) -> None:
        self.dismissed.append(reason)

    @property
    def told(self) -> list[str]:
        return [json.loads(text)["payload"]["message"] for text in self.texts]


class Following:
    """A hub on a log, and what happens in that."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.hub = Hub(lambda: at(60))
        self.follower = Follower(self.store, self.hub.apply)

    async def happens(self, *events: Event) -> None:
        await self.is_written(*events)
        await self.follower.catch_up()

    async def is_written(self, *events: Event) -> None:
        for event in events:
            await append(self.store, event.stream, [encode(event, Context.begin("service:test"))])
            await sequence_all(self.store)

    def client(self, who: str, *, room: str = "r", connection: str = "one", streams: bool = False) -> FakeClient:
        client = FakeClient(who, connection, streams)
        self.hub.add(room, client)
        return client


@pytest.fixture
async def following() -> Following:
    following = Following()
    await following.happens(SESSION, joined("ann", connection="one"), joined("bob", connection="one"))
    return following


# --- telling


async def test_all_others_in_the_room_are_told_once(following: Following) -> None:
    ann, bob, cy = (following.client(who) for who in ("ann", "bob", "cy"))
    await following.happens(gave("ann"))
    assert (ann.told, bob.told, cy.told) == ([], ["update"], ["update"])


async def test_nobody_in_another_room_is_told(following: Following) -> None:
    elsewhere = following.client("bob", room="q")
    await following.happens(gave("ann"), left("ann"))
    assert elsewhere.told == []


async def test_everybody_is_told_what_is_about_nobody(following: Following) -> None:
    ann, bob = following.client("ann"), following.client("bob", streams=True)
    await following.happens(REQUESTED, STARTED)
    assert ann.told == bob.told == ["started", "stream_updated"]


async def test_who_it_is_for_alone_is_told_alone(following: Following) -> None:
    ann, bob = following.client("ann"), following.client("bob")
    await following.happens(role_changed("ann"))
    assert (ann.told, bob.told) == (["role_updated"], ["update"])


@pytest.mark.parametrize(("streams", "told"), [(True, ["recorder_error"]), (False, [])])
async def test_only_who_asked_for_streams_is_told_that_none_began(
    following: Following, *, streams: bool, told: list[str]
) -> None:
    mona, other = following.client("mona", streams=streams), following.client("ann", streams=True)
    await following.happens(REQUESTED, FAILED)
    assert (mona.told, other.told) == (told, [])


async def test_nobody_is_told_of_a_cleared_consent(following: Following) -> None:
    clients = following.client("ann"), following.client("bob")
    await following.happens(gave("ann"), cleared("ann"))
    assert [client.told for client in clients] == [[], ["update"]]


async def test_a_message_bears_the_time_at_which_it_is_told(following: Following) -> None:
    bob = following.client("bob")
    await following.happens(gave("ann"))
    assert json.loads(bob.texts[0])["timestamp"] == "2030-05-17T12:01:00Z"


async def test_each_message_is_made_once_for_all(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room of a thousand must not cost a thousand times the making of a message."""
    made = 0

    def counted(*_: object) -> str:
        nonlocal made
        made += 1
        return '{"payload":{"message":"made"}}'

    monkeypatch.setattr(module, "enveloped", counted)
    await following.happens(gave("ann"))
    assert made == 0, "nobody is there to be told"
    clients = [following.client(f"p{number}") for number in range(20)]
    await following.happens(REQUESTED, STARTED)
    assert made == 2
    assert len({id(client.texts[0]) for client in clients}) == 1


async def test_who_was_removed_is_told_nothing_more(following: Following) -> None:
    bob = following.client("bob")
    following.hub.remove("r", bob)
    await following.happens(gave("ann"))
    assert bob.told == []
    assert list(following.hub.clients()) == []


async def test_removing_a_client_does_not_remove_who_came_after_it(following: Following) -> None:
    first = following.client("bob")
    second = following.client("bob", connection="two")
    following.hub.remove("r", first)
    following.hub.remove("nowhere", second)
    await following.happens(gave("ann"))
    assert second.told == ["update"]
    assert list(following.hub.clients()) == [second]


async def test_an_event_that_comes_twice_is_told_once(following: Following) -> None:
    bob = following.client("bob")
    await following.is_written(gave("ann"))
    (stored,) = await following.store.read("consent-s:ann")
    await following.follower.hear(event_message(stored))
    await following.follower.hear(event_message(stored))
    assert bob.told == ["update"]


async def test_what_the_bus_left_out_is_told_before_what_came_after_it(following: Following) -> None:
    bob = following.client("bob")
    await following.is_written(gave("ann"), left("ann"))
    last = (await following.store.read("room-r"))[-1]
    await following.follower.hear(event_message(last))
    assert bob.told == ["update", "left"]


# --- sending away


@pytest.mark.parametrize("reason", ["quit", "timeout", "replaced"])
async def test_who_was_found_to_have_left_is_sent_away(following: Following, reason: LeaveReason) -> None:
    ann, bob = following.client("ann"), following.client("bob")
    await following.happens(left("ann", reason=reason))
    assert (ann.dismissed, bob.dismissed) == ([reason], [])


async def test_only_the_connection_that_ended_is_sent_away(following: Following) -> None:
    """They are here by another connection already."""
    ann = following.client("ann", connection="two")
    await following.happens(left("ann", reason="replaced"))
    assert ann.dismissed == []


async def test_the_same_connection_in_another_room_stays(following: Following) -> None:
    ann = following.client("ann", room="q")
    await following.happens(left("ann", reason="timeout"))
    assert ann.dismissed == []


# --- joining


async def test_who_is_expected_is_seen_when_the_log_has_them(following: Following) -> None:
    with following.hub.expecting("new") as seen:
        await following.happens(joined("cy", connection="another"), gave("ann"))
        assert not seen.done()
        await following.happens(joined("ann", connection="new"))
        assert seen.done()


async def test_who_is_expected_is_in_the_roster_when_they_are_seen(following: Following) -> None:
    with following.hub.expecting("new") as seen:
        await following.happens(joined("cy", connection="new"))
        await seen
        assert following.hub.roster.sessions["r"].present["cy"].connection_id == "new"


async def test_who_is_expected_no_longer_may_be_seen_and_seen_again(following: Following) -> None:
    with following.hub.expecting("new") as seen:
        seen.cancel()
        await following.happens(joined("cy", connection="new"))
    await following.happens(left("cy"), joined("cy", connection="new"))


async def test_who_is_here_by_no_connection_is_not_who_is_expected(following: Following) -> None:
    with following.hub.expecting("new") as seen:
        await following.happens(joined("cy"))
        assert not seen.done()


# --- the log


async def test_a_hub_that_starts_knows_what_happened_before(following: Following) -> None:
    late = Hub(at)
    await Follower(following.store, late.apply).catch_up()
    assert late.roster.sessions == following.hub.roster.sessions
    assert following.hub.roster.sessions["r"].present.keys() == {"ann", "bob"}


async def test_an_event_that_cannot_be_read_stops_it(following: Following) -> None:
    await append(following.store, "room-r", [new_event(event_type="room.of-the-future.v9")])
    await sequence_all(following.store)
    future = (await following.store.read("room-r"))[-1]
    await following.follower.hear(event_message(future))
    with pytest.raises(UnknownEventTypeError):
        await following.follower.until_stopped()


async def test_rooms_are_told_apart(following: Following) -> None:
    there = following.client("dan", room="q")
    moment: datetime = at()
    start = SessionStarted(at=moment, room_id="q", session_id="t")
    comes = ParticipantJoined(
        at=moment, room_id="q", session_id="t", participant_id="eve", display_name="Eve", role="user"
    )
    here = following.client("bob")
    await following.happens(start, comes)
    assert (there.told, here.told) == (["joined"], [])
