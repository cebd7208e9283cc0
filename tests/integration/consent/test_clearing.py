"""Consents end with their cause, on a real log and a real broker, however many consent services run and die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import pytest

import services.relay.bootstrap
from services.consent.bootstrap import running
from services.consent.projections.consent_register_read import may_be_recorded
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentCleared, ConsentGiven, SetConsent
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped
from shared.contracts.reply import Accepted
from shared.contracts.room import ConsentPolicy, ParticipantLeft, SessionStarted
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.errors import UnknownEventTypeError
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.message import command_message, read_reply
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings
from tests.support.events import append, new_event
from tests.support.eventually import eventually
from tests.support.processes import ServiceProcess

Happened = TypeVar("Happened", bound=Event)
_SESSION = {"room_id": "r", "session_id": "s"}
_UNREADABLE = new_event(event_type="poll.opened.v1")
_START = utc_now() - timedelta(minutes=1)


def moment(second: float) -> datetime:
    return _START + timedelta(seconds=second)


@dataclass(frozen=True, slots=True)
class House:
    """A relay that runs, and what a test does beside it."""

    infrastructure: Infrastructure
    settings: Settings

    @property
    def store(self) -> PostgresEventStore:
        return PostgresEventStore(self.infrastructure.database)

    @asynccontextmanager
    async def replicas(self, count: int = 1) -> AsyncIterator[None]:
        """Run so many consent services, each with connections of its own."""
        async with AsyncExitStack() as stack:
            for _ in range(count):
                infrastructure = await stack.enter_async_context(_infrastructure(self.settings))
                await stack.enter_async_context(running(infrastructure))
            yield

    async def happens(self, *events: Event) -> None:
        for event in events:
            await append(self.store, event.stream, [encode(event, Context.begin("service:test"))])

    async def session(self, policy: ConsentPolicy = "clear") -> None:
        await self.happens(SessionStarted(at=moment(0), **_SESSION, consent_policy=policy))

    async def says_yes(self, who: str, second: float) -> None:
        word = SetConsent(at=moment(second), **_SESSION, participant_id=who, consent=True, text_version="2030-01")
        message = command_message(word, Context.begin(f"participant:{who}"), 10)
        assert isinstance(read_reply(await self.infrastructure.bus.ask("consent", message, 10), Accepted), Accepted)

    async def leaves(self, who: str, second: float) -> None:
        await self.happens(ParticipantLeft(at=moment(second), **_SESSION, participant_id=who, reason="timeout"))

    async def stops(self, second: float) -> None:
        await self.happens(RecordingStopped(at=moment(second), **_SESSION, recording_id="rec", reason="requested"))

    async def told(self, kind: type[Happened]) -> list[Happened]:
        """The events of a kind that the log holds."""
        events = [decode(stored) for stored in await self.store.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def cleared(self, count: int) -> list[ConsentCleared]:
        async def are_there() -> bool:
            return len(await self.told(ConsentCleared)) >= count

        await eventually(are_there, within=20)
        return await self.told(ConsentCleared)

    async def considered(self) -> list[ConsentCleared]:
        """Wait until all that happened was considered: what happens last of all has been cleared. Return the others."""
        before = len(await self.told(ConsentCleared))
        other = {"room_id": "r", "session_id": "last"}
        await self.happens(
            SessionStarted(at=moment(0), **other, consent_policy="clear"),
            ConsentGiven(at=moment(1), **other, participant_id="zoe"),
            ParticipantLeft(at=moment(2), **other, participant_id="zoe", reason="quit"),
        )
        await self.cleared(before + 1)
        return [event for event in await self.told(ConsentCleared) if event.session_id != "last"]


@asynccontextmanager
async def _infrastructure(settings: Settings) -> AsyncIterator[Infrastructure]:
    async with open_infrastructure(settings, services.relay.bootstrap.MIGRATIONS) as infrastructure:
        yield infrastructure


@pytest.fixture
async def house(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path)
    async with _infrastructure(settings) as infrastructure, services.relay.bootstrap.running(infrastructure):
        yield House(infrastructure, settings)


async def test_a_stop_clears_each_consent_once_at_its_moment_with_two_consent_services(house: House) -> None:
    async with house.replicas(2):
        await house.session()
        await house.says_yes("ann", 1)
        await house.says_yes("bob", 2)
        await house.stops(9)
        cleared = await house.cleared(2)
        assert sorted((event.participant_id, event.at, event.reason) for event in cleared) == [
            ("ann", moment(9), "recording_stopped"),
            ("bob", moment(9), "recording_stopped"),
        ]
        assert len(await house.considered()) == 2
        await house.says_yes("ann", 10)
        assert len(await house.considered()) == 2


async def test_leaving_clears_consent_at_that_moment(house: House) -> None:
    async with house.replicas():
        await house.session()
        await house.says_yes("ann", 1)
        await house.says_yes("bob", 1)
        await house.leaves("ann", 5)
        (cleared,) = await house.cleared(1)
        assert (cleared.participant_id, cleared.at, cleared.reason) == ("ann", moment(5), "left")
        assert len(await house.considered()) == 1


async def test_a_room_that_keeps_consent_clears_nothing(house: House) -> None:
    async with house.replicas(2):
        await house.session("keep")
        await house.says_yes("ann", 1)
        await house.leaves("ann", 5)
        await house.stops(9)
        assert await house.considered() == []


async def test_the_register_knows_until_when_consent_held_and_to_which_text(house: House) -> None:
    async with house.replicas():
        await house.session()
        await house.says_yes("ann", 1)
        await house.stops(9)
        await house.cleared(1)
        rows = "SELECT answer, since, until, text_version FROM consent_register.words ORDER BY since"

        async def is_known() -> bool:
            return len(await house.infrastructure.database.fetch(rows)) == 2

        await eventually(_where_there_are_tables(is_known))
        assert [tuple(row) for row in await house.infrastructure.database.fetch(rows)] == [
            ("given", moment(1), moment(9), "2030-01"),
            ("cleared", moment(9), None, None),
        ]
        database = house.infrastructure.database
        assert await may_be_recorded(database, "s", "ann", moment(8.9))
        assert not await may_be_recorded(database, "s", "ann", moment(9))


async def test_a_service_that_is_killed_while_it_clears_goes_on_when_it_is_back_and_clears_nothing_twice(
    house: House, tmp_path: Path
) -> None:
    service = ServiceProcess("consent", _environment(house.settings), tmp_path / "consent.log")
    everybody = sorted(f"guest{number:03}" for number in range(120))
    await service.start()
    await house.session()
    for who in everybody:
        await house.says_yes(who, 1)
    await house.stops(9)
    await house.cleared(1)
    await service.kill()
    await house.leaves(everybody[0], 12)
    await service.start()
    try:
        cleared = await house.cleared(len(everybody))
        assert sorted(event.participant_id for event in cleared) == everybody
        assert {(event.at, event.reason) for event in cleared} == {(moment(9), "recording_stopped")}
        assert len(await house.considered()) == len(everybody)
    finally:
        assert await service.stop() == 0


async def test_what_happened_while_no_service_ran_is_cleared_before_any_new_word_is_taken(house: House) -> None:
    async with house.replicas():
        await house.session()
        await house.says_yes("ann", 1)
    await house.stops(9)

    async def is_placed() -> bool:
        return len(await house.told(RecordingStopped)) == 1

    await eventually(is_placed)
    async with house.replicas():
        await house.says_yes("ann", 10)
        consents = await _of_ann(house)
    kinds: list[type[Event]] = [ConsentGiven, ConsentCleared, ConsentGiven]
    assert [type(event) for event in consents] == kinds


async def test_an_event_that_cannot_be_read_ends_the_service_and_it_does_not_start_again(house: House) -> None:
    with pytest.raises(UnknownEventTypeError):
        await _run_until_it_ends(house, then=lambda: append(house.store, "poll-1", [_UNREADABLE]))
    with pytest.raises(UnknownEventTypeError):
        await _run_until_it_ends(house)


async def test_the_service_says_that_it_is_ready_once_it_has_cleared_what_it_owed(house: House, tmp_path: Path) -> None:
    await house.session()
    await house.happens(ConsentGiven(at=moment(1), **_SESSION, participant_id="ann"))
    await house.stops(9)
    await eventually(_is_at(house, 3))
    service = ServiceProcess("consent", _environment(house.settings), tmp_path / "consent.log")
    await service.start()
    try:
        given, cleared = await _of_ann(house)
        assert isinstance(given, ConsentGiven)
        assert isinstance(cleared, ConsentCleared)
        async with httpx.AsyncClient(base_url=service.url) as http:
            assert (await http.get("/readyz")).status_code == 200
    finally:
        assert await service.stop() == 0


async def _of_ann(house: House) -> list[Event]:
    return [decode(stored) for stored in await house.store.read("consent-s:ann")]


def _is_at(house: House, position: int) -> Callable[[], Awaitable[bool]]:
    async def is_at() -> bool:
        return await house.store.head() >= position

    return is_at


def _where_there_are_tables(condition: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        try:
            return await condition()
        except asyncpg.UndefinedTableError:
            return False

    return holds


async def _run_until_it_ends(house: House, then: Callable[[], Awaitable[object]] | None = None) -> None:
    async with asyncio.timeout(20), house.replicas():
        if then:
            await then()
        await asyncio.Event().wait()


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "ONRECORD_DATABASE_URL": str(settings.database_url),
        "ONRECORD_AMQP_URL": str(settings.amqp_url),
        "ONRECORD_API_KEY": "clearing",
        "ONRECORD_API_SECRET": "a secret that is made up for this test alone",
    }
