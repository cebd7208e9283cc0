"""Sessions end by themselves where their room says so. However many gateways see to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import pytest

from services.gateway.domain.room import ROOM
from services.gateway.domain.room_life import RoomSettings
from services.gateway.process_managers.auto_close import AUTO_CLOSE, ClosingSession, due, follow
from services.gateway.rooms import Rooms
from shared.concurrency.supervision import supervised
from shared.contracts.message import Event
from shared.contracts.room import ParticipantLeft, RoomDeactivated, SessionEnded, SessionStarted
from shared.contracts.room_settings import AutoClose
from shared.eventsourcing import process_manager as runner
from shared.eventsourcing.codec import decode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.process_manager import ProcessManager
from shared.messaging.follower import Follower
from tests.support.events import sequence_all
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore


def started(session: str = "s", closes: float | None = 60) -> SessionStarted:
    closes_at = None if closes is None else at(closes)
    return SessionStarted(at=at(), room_id="r", session_id=session, closes_at=closes_at)


def due_after(*events: Event, second: float) -> list[ClosingSession]:
    sessions: dict[str | None, ClosingSession | None] = {}
    for event in events:
        key = AUTO_CLOSE.key_of(event)
        sessions[key] = follow(sessions.get(key), event)
    return [each for session in sessions.values() if session for each in due(session, at(second))]


# --- which


def test_a_session_is_due_at_its_moment_and_not_before() -> None:
    assert due_after(started(), second=59.999) == []
    assert due_after(started(), second=60) == [ClosingSession("r", "s", at(60))]


def test_it_is_due_again_until_the_log_says_that_it_is_over() -> None:
    ended = SessionEnded(at=at(61), room_id="r", session_id="s")
    assert len(due_after(started(), second=500)) == 1
    assert due_after(started(), ended, second=500) == []


def test_others_are_not_due() -> None:
    assert due_after(started(closes=None), second=10**9) == []
    other_over = started("t"), SessionEnded(at=at(5), room_id="r", session_id="t")
    assert due_after(started(closes=90), *other_over, second=89) == []
    assert [each.session_id for each in due_after(started(closes=90), *other_over, second=90)] == ["s"]


# --- seeing to it


class House:
    """A room on one log, and gateways beside one another."""

    def __init__(self) -> None:
        self.log = UnreliableEventStore()
        self.now = at()
        self.rooms = Rooms(CommandHandler(self.log, ROOM), Horizon(self.clock), self.clock, lambda: "gateway")
        self._followers: list[Follower] = []

    def clock(self) -> datetime:
        return self.now

    def passes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[None]:
        closing = ProcessManager(AUTO_CLOSE, self.rooms.auto_close, "service:gateway", self.clock)
        follower = Follower(self.log, closing.apply)
        await follower.catch_up()
        self._followers.append(follower)
        async with supervised(closing.run()):
            yield

    async def told(self) -> list[Event]:
        await sequence_all(self.log)
        for follower in self._followers:
            await follower.catch_up()
        return [decode(stored) for stored in await self.log.read_all()]

    async def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in await self.told())

    async def until(self, kind: type[Event]) -> None:
        async def is_there() -> bool:
            return await self.count(kind) > 0

        await eventually(is_there)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what time makes due."""
    monkeypatch.setattr(runner, "_TICK_SECONDS", 0.02)


@pytest.fixture(params=[1, 2], ids=["one-gateway", "two-gateways"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    house = House()
    async with AsyncExitStack() as stack:
        for _ in range(request.param):
            await stack.enter_async_context(house.gateway())
        yield house


async def begin(house: House, auto_close: AutoClose) -> str:
    room_id = await house.rooms.create("server:key", None, RoomSettings(auto_close=auto_close))
    for who in ("ann", "bob"):
        await house.rooms.join(room_id, who, f"by {who}", who.title(), "user")
    await house.told()
    return room_id


async def test_a_session_is_ended_once_when_its_time_has_come(house: House) -> None:
    room_id = await begin(house, AutoClose(minutes=2))
    house.passes(1.9)
    assert await house.count(SessionEnded) == 0
    house.passes(0.2)
    await house.until(SessionEnded)
    left = [event.reason for event in await house.told() if isinstance(event, ParticipantLeft)]
    assert left == ["session_ended", "session_ended"]
    assert await house.count(SessionEnded) == 1
    assert await house.count(RoomDeactivated) == 0
    await house.rooms.join(room_id, "ann", "again", "Ann", "user")


async def test_what_the_log_did_not_take_is_tried_again(house: House) -> None:
    await begin(house, AutoClose(minutes=2))
    house.log.refusals = 1
    house.passes(3)
    await house.until(SessionEnded)
    assert house.log.refusals == 0
    assert await house.count(SessionEnded) == 1


async def test_with_it_the_room_is_deactivated_if_it_says_so(house: House) -> None:
    await begin(house, AutoClose(minutes=2, deactivates=True))
    house.passes(3)
    await house.until(RoomDeactivated)
    assert [type(event) for event in await house.told()][-2:] == [SessionEnded, RoomDeactivated]
    log = await house.log.read_all()
    (started,) = [stored for stored in log if isinstance(decode(stored), SessionStarted)]
    for stored in log[-2:]:
        assert (stored.actor, stored.causation_id) == ("service:gateway", started.id)
        assert stored.correlation_id == started.correlation_id


async def test_a_gateway_that_starts_anew_ends_what_became_due_while_none_was_there() -> None:
    house = House()
    await begin(house, AutoClose(minutes=2))
    house.passes(30)
    async with house.gateway():
        await house.until(SessionEnded)
