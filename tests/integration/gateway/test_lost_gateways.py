"""Participants of a gateway that died leave, and nobody else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from services.gateway import lost_gateways as module
from services.gateway.domain.room import ROOM, JoinRoom
from services.gateway.hub import Hub
from services.gateway.lost_gateways import LostGateways
from services.gateway.rooms import Rooms
from shared.concurrency.clock import utc_now
from shared.contracts.message import Event
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, room_stream
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import TICK, GatewayHorizon, Horizon, Horizons
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.follower import Follower
from shared.messaging.in_process import InProcessBus
from tests.integration.relay.listening import relaying
from tests.support.events import sequence_all
from tests.support.eventually import eventually

_AGE = "UPDATE gateway_horizons SET renewed_at = clock_timestamp() - $1::interval"


class Gateway:
    """A gateway, as far as it has people in rooms and looks for others' people."""

    def __init__(self, database: asyncpg.Pool, store: PostgresEventStore, name: str) -> None:
        self.name = name
        self._store = store
        self._streams = CommandHandler(store, ROOM)
        self._hub = Hub(utc_now)
        self._follower = Follower(store, self._hub.apply)
        self._horizon = Horizon(utc_now)
        self._horizons = Horizons(database)
        self.rooms = Rooms(self._streams, self._horizon, utc_now, lambda: name)
        self.lost = LostGateways(self.rooms, self._hub.roster, self._follower, self._horizons)

    async def lives(self) -> None:
        known_until = self._horizon.known_until()
        await self._horizons.register(self.name, known_until)
        await self._horizons.renew(self.name, known_until)

    async def is_forgotten(self) -> None:
        """As the relay does it to a gateway that died while no other lived."""
        await self._horizons.remove(self.name)

    async def is_lost(self) -> GatewayHorizon:
        """As the relay does it to a gateway that died; return its last horizon."""
        (horizon,) = [each for each in await self._horizons.all() if each.gateway == self.name]
        await self._horizons.lose(horizon)
        return horizon

    async def has(self, who: str, room: str, connection: str | None = None) -> None:
        await self.rooms.join(room, who, connection or f"{who} by {self.name}", who, "user")

    async def has_by_no_connection(self, who: str, room: str) -> None:
        command = JoinRoom(room, "unused", who, who, "user", utc_now())
        await self._streams.handle(room_stream(room), command, Context.begin("service:test"))

    async def knows(self) -> None:
        """Catch up with the log."""
        await sequence_all(self._store)
        await self._follower.catch_up()

    async def looks(self) -> None:
        await self.lost.look()


@pytest.fixture
async def one(database: asyncpg.Pool, store: PostgresEventStore) -> Gateway:
    gateway = Gateway(database, store, "one")
    await gateway.lives()
    return gateway


@pytest.fixture
async def two(database: asyncpg.Pool, store: PostgresEventStore) -> Gateway:
    gateway = Gateway(database, store, "two")
    await gateway.lives()
    return gateway


@pytest.fixture
async def room(one: Gateway) -> str:
    return await one.rooms.create("server", "weekly")


async def log(store: PostgresEventStore, room: str) -> list[Event]:
    return [decode(stored) for stored in await store.read(room_stream(room))]


async def leaves(store: PostgresEventStore, room: str) -> list[tuple[str, str]]:
    return [
        (event.participant_id, event.reason) for event in await log(store, room) if isinstance(event, ParticipantLeft)
    ]


async def test_everybody_whose_gateway_is_gone_leaves_and_those_of_living_ones_stay(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    await one.has("ann", room)
    await two.has("bob", room)
    await two.has("cy", room)
    await two.is_forgotten()
    await one.knows()

    await one.looks()

    assert await leaves(store, room) == [("bob", "timeout"), ("cy", "timeout")]
    assert (await one.rooms.room(room)).participants.keys() == {"ann"}


async def test_the_log_says_that_a_gateway_saw_to_it(store: PostgresEventStore, one: Gateway, two: Gateway) -> None:
    room = await one.rooms.create("server", None)
    await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()
    await one.looks()
    left = next(stored for stored in await store.read(room_stream(room)) if stored.type == ParticipantLeft.type)
    assert left.actor == "service:gateway"


async def test_the_last_of_them_ends_the_session(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()
    await one.looks()
    assert isinstance((await log(store, room))[-1], SessionEnded)


async def test_nobody_leaves_while_all_gateways_live(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    await one.has("ann", room)
    await two.has("bob", room)
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == []


async def test_an_old_horizon_is_the_relays_to_judge(
    database: asyncpg.Pool, store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    """The relay knows a gateway's silence from its own."""
    await two.has("bob", room)
    await database.execute(_AGE, timedelta(hours=1))
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == []


async def test_who_is_here_by_no_connection_stays(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    await one.has_by_no_connection("phone", room)
    await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == [("bob", "timeout")]


async def test_looking_again_writes_nothing_more(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    await one.has("ann", room)
    await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()
    await one.looks()
    await one.looks()
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == [("bob", "timeout")]


async def test_what_several_gateways_see_is_written_once(
    database: asyncpg.Pool, store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    third = Gateway(database, store, "three")
    await third.lives()
    await one.has("ann", room)
    people = [f"p{number}" for number in range(10)]
    for who in people:
        await two.has(who, room)
    await two.is_forgotten()
    await one.knows()
    await third.knows()

    await asyncio.gather(one.looks(), third.looks())

    assert sorted(await leaves(store, room)) == [(who, "timeout") for who in people]


async def test_who_came_in_by_another_gateway_since_stays(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    """One that looks late must not throw out who is back."""
    await two.has("bob", room)
    await one.knows()
    await two.is_forgotten()
    await one.has("bob", room)

    await one.looks()

    assert await leaves(store, room) == [("bob", "replaced")]
    assert (await one.rooms.room(room)).participants["bob"].gateway_id == "one"


async def test_who_comes_in_by_a_gateway_that_has_just_started_stays(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    """It has its horizon before it has people."""
    await two.is_forgotten()
    await two.lives()
    await two.has("bob", room)
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == []


async def test_all_rooms_are_looked_at(store: PostgresEventStore, one: Gateway, two: Gateway) -> None:
    rooms = [await one.rooms.create("server", None) for _ in range(3)]
    for room in rooms:
        await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()
    await one.looks()
    assert [await leaves(store, room) for room in rooms] == [[("bob", "timeout")]] * 3


# --- for ever


@asynccontextmanager
async def watching(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.02)
    task = asyncio.create_task(gateway.lost.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


async def test_it_is_looked_now_and_then(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bob_left() -> bool:
        return await leaves(store, room) == [("bob", "timeout")]

    async with watching(one, monkeypatch):
        await two.has("bob", room)
        await one.knows()
        await two.is_forgotten()
        await eventually(bob_left)


async def test_a_look_that_fails_is_not_the_last(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = 3
    real = Horizons.all

    async def unreliable(self: Horizons) -> object:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise LogUnavailableError("the test said so")
        return await real(self)

    monkeypatch.setattr(Horizons, "all", unreliable)
    await two.has("bob", room)
    await two.is_forgotten()
    await one.knows()

    async def bob_left() -> bool:
        return await leaves(store, room) == [("bob", "timeout")]

    async with watching(one, monkeypatch):
        await eventually(bob_left)
    assert refusals == 0


# --- lost while others live: the watermark waits


async def test_the_people_of_a_lost_gateway_leave_at_its_horizon_and_the_watermark_may_pass(
    database: asyncpg.Pool, store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    """What they said after it may never come into the log, or come late."""
    await one.has("ann", room)
    await two.has("bob", room)
    await two.lives()
    lost = await two.is_lost()
    await one.knows()

    await one.looks()

    (left,) = [event for event in await log(store, room) if isinstance(event, ParticipantLeft)]
    assert (left.participant_id, left.reason, left.at) == ("bob", "timeout", lost.known_until + TICK)
    assert [each.gateway for each in await Horizons(database).all()] == ["one"]


async def test_the_watermark_waits_while_they_cannot_leave(
    database: asyncpg.Pool,
    store: PostgresEventStore,
    one: Gateway,
    two: Gateway,
    room: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await two.has("bob", room)
    await two.is_lost()
    await one.knows()

    async def unreachable(*_: object) -> None:
        raise LogUnavailableError("the test said so")

    monkeypatch.setattr(one.rooms, "lose", unreachable)
    with pytest.raises(LogUnavailableError):
        await one.looks()
    assert {each.gateway for each in await Horizons(database).all()} == {"one", "two"}


async def test_who_joined_just_before_it_died_leaves_as_well(
    store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    """This gateway has not heard of them from the relay yet."""
    await one.knows()
    await two.has("bob", room)
    await sequence_all(store)
    await two.is_lost()
    await one.looks()
    assert await leaves(store, room) == [("bob", "timeout")]


async def test_the_relay_loses_a_gateway_that_died_and_its_people_leave(
    database: asyncpg.Pool, store: PostgresEventStore, one: Gateway, two: Gateway, room: str
) -> None:
    async def is_lost() -> bool:
        await one.lives()
        return [each.gateway for each in await Horizons(database).all() if each.lost] == ["two"]

    await two.has("bob", room)
    await one.has("ann", room)
    async with relaying(database, InProcessBus()):
        await eventually(is_lost, within=30)
        assert len([event for event in await log(store, room) if isinstance(event, ParticipantJoined)]) == 2
    await one.knows()
    await one.looks()
    assert await leaves(store, room) == [("bob", "timeout")]
