"""Whatever has to be cleared is cleared, once, whoever runs and whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.consent.domain.consent import ClearConsent
from services.consent.handlers import Consents
from services.consent.process_managers.clearing import CLEARING, Session
from shared.contracts.consent import ConsentCleared, ConsentGiven, SetConsent
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ParticipantLeft, SessionEnded, SessionStarted
from shared.eventsourcing import process_manager as runner
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.errors import UnknownEventTypeError
from shared.eventsourcing.process_manager import ProcessManager
from shared.messaging.follower import Follower
from shared.messaging.message import event_message
from tests.support.events import append, new_event
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what failed before."""
    monkeypatch.setattr(runner, "_TICK_SECONDS", 0.02)


Clearing = ProcessManager[Session, ClearConsent]


@dataclass(slots=True)
class House:
    """A log, and those who clear what it says."""

    log: UnreliableEventStore = field(default_factory=UnreliableEventStore)
    followers: list[Follower] = field(default_factory=list)
    _heard: int = 0

    @asynccontextmanager
    async def clearing(self) -> AsyncIterator[Follower]:
        """Start one more, as the service does."""
        one: Clearing = ProcessManager(CLEARING, Consents(self.log).clear, "service:consent", at)
        follower = Follower(self.log, one.apply)
        await follower.catch_up()
        await one.give_due()
        self.followers.append(follower)
        running = asyncio.create_task(one.run())
        try:
            yield follower
        finally:
            self.followers.remove(follower)
            running.cancel()
            await asyncio.wait({running})
            assert running.cancelled()

    async def happens(self, *events: Event) -> None:
        for event in events:
            await append(self.log, event.stream, [encode(event, Context.begin("service:test"))])

    async def session(self, *consenting: str, session_id: str = "s") -> None:
        await self.happens(SessionStarted(at=at(), room_id="r", session_id=session_id))
        for who in consenting:
            await self.says_yes(who, 1, session_id)

    async def says_yes(self, who: str, second: float, session_id: str = "s") -> None:
        word = SetConsent(at=at(second), room_id="r", session_id=session_id, participant_id=who, consent=True)
        await Consents(self.log).say(word, Context.begin(f"participant:{who}"))

    async def leaves(self, who: str, second: float, session_id: str = "s") -> None:
        about = {"room_id": "r", "session_id": session_id, "participant_id": who}
        await self.happens(ParticipantLeft(at=at(second), **about, reason="quit"))

    async def stops(self, second: float) -> None:
        await self.happens(
            RecordingStopped(at=at(second), room_id="r", session_id="s", recording_id="rec", reason="requested")
        )

    async def ends(self, session_id: str) -> None:
        await self.happens(SessionEnded(at=at(90), room_id="r", session_id=session_id))

    async def pass_on(self) -> None:
        """Let everybody who runs hear what is new in the log."""
        await self.log.sequence()
        for stored in await self.log.read_all(self._heard):
            for one in self.followers:
                await one.hear(event_message(stored))
            self._heard += 1

    async def told(self, kind: type[Event]) -> list[Event]:
        await self.log.sequence()
        events = [decode(stored) for stored in await self.log.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def until_cleared(self, count: int) -> list[ConsentCleared]:
        async def are_there() -> bool:
            await self.pass_on()
            return len(await self.told(ConsentCleared)) >= count

        await eventually(are_there)
        return [event for event in await self.told(ConsentCleared) if isinstance(event, ConsentCleared)]


@pytest.fixture
def house() -> House:
    return House()


async def test_leaving_and_a_stop_clear_at_once_at_their_moments(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail where nobody is woken by what happens."""
    monkeypatch.setattr(runner, "_TICK_SECONDS", 3600)
    async with house.clearing():
        await house.session("ann", "bob")
        await house.leaves("ann", 5)
        (ann,) = await house.until_cleared(1)
        assert (ann.participant_id, ann.at, ann.reason) == ("ann", at(5), "left")
        await house.stops(9)
        (_, bob) = await house.until_cleared(2)
        assert (bob.participant_id, bob.at, bob.reason) == ("bob", at(9), "recording_stopped")


async def test_that_a_yes_is_cleared_comes_of_what_ended_it(house: House) -> None:
    async with house.clearing():
        await house.session("ann")
        await house.leaves("ann", 5)
        await house.until_cleared(1)
    log = await house.log.read_all()
    (left,) = [stored for stored in log if stored.type == ParticipantLeft.type]
    (cleared,) = [stored for stored in log if stored.type == ConsentCleared.type]
    assert (cleared.causation_id, cleared.correlation_id) == (left.id, left.correlation_id)
    assert cleared.actor == "service:consent"


async def test_two_side_by_side_clear_each_consent_once(house: House) -> None:
    everybody = sorted(f"guest{number}" for number in range(20))
    async with house.clearing(), house.clearing():
        await house.session(*everybody)
        await house.stops(9)
        await house.until_cleared(20)
        await house.leaves("guest0", 12)
        await house.says_yes("late", 15)
        await house.leaves("late", 16)
        cleared = await house.until_cleared(21)
    assert sorted(event.participant_id for event in cleared) == [*everybody, "late"]


@pytest.mark.parametrize("writes", [False, True], ids=["nothing-written", "written-but-not-told"])
async def test_what_the_log_did_not_take_is_given_again(house: House, writes: bool) -> None:
    async with house.clearing():
        await house.session("ann")
        await house.stops(9)
        house.log.refusals, house.log.writes_before_it_refuses = (1 if writes else 3), writes
        await house.until_cleared(1)
        await house.says_yes("bob", 1)
        cleared = await house.until_cleared(2)
    assert house.log.refusals == 0
    assert [event.participant_id for event in cleared] == ["ann", "bob"]


async def test_what_happened_while_nobody_ran_is_cleared_before_a_start_is_over_and_once(house: House) -> None:
    """So that a yes of after the stop, which waits for the service, does not hide the one that the stop ended."""
    async with house.clearing():
        await house.session("ann", "bob")
        await house.leaves("ann", 5)
        await house.until_cleared(1)
    await house.stops(9)
    await house.log.sequence()
    async with house.clearing():
        assert len(await house.told(ConsentCleared)) == 2
        await house.says_yes("bob", 10)
    async with house.clearing():
        pass
    assert len(await house.told(ConsentCleared)) == 2
    assert [event.at for event in await house.told(ConsentGiven)] == [at(1), at(1), at(10)]


async def test_sessions_that_are_over_are_forgotten_but_not_at_once_and_not_while_they_owe_something(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without `_forget`, and with those that owe something taken for resting."""
    monkeypatch.setattr(runner, "_RESTING", 3)
    one: Clearing = ProcessManager(CLEARING, _nobody, "service:consent", at)
    await house.session(session_id="owing")
    await house.leaves("ann", 5, "owing")
    await house.ends("owing")
    await house.says_yes("ann", 1, "owing")
    for number in range(10):
        await house.session("ann", session_id=f"s{number}")
        await house.ends(f"s{number}")
    await house.log.sequence()
    await Follower(house.log, one.apply).catch_up()
    assert "owing" in one
    assert len(one) == 4
    assert "s9" in one


async def test_a_yes_of_before_a_leave_that_is_written_after_the_session_ended_is_cleared(house: House) -> None:
    async with house.clearing():
        await house.session()
        await house.leaves("ann", 5)
        await house.ends("s")
        await house.pass_on()
        await house.says_yes("ann", 4)
        (cleared,) = await house.until_cleared(1)
    assert cleared.at == at(5)


async def test_an_event_that_cannot_be_read_stops_it(house: House) -> None:
    async with house.clearing() as one:
        await append(house.log, "poll-1", [new_event(event_type="poll.opened.v1")])
        await house.pass_on()
        with pytest.raises(UnknownEventTypeError):
            await asyncio.wait_for(one.until_stopped(), 10)


async def _nobody(_: object, __: object) -> None:
    """Take what is due and do nothing."""
