"""A gateway's part in participant recordings, on a log in memory: with the consent service, and a fake recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from services.consent.handlers import Consents as ConsentService
from services.consent.handlers import consent_answerer
from services.gateway.consents import Consents, CurrentConsents
from services.gateway.domain.room import ROOM
from services.gateway.participant_recordings import ParticipantRecordings
from services.gateway.projections.roster import Roster
from services.gateway.rooms import Rooms
from shared.concurrency.clock import utc_now
from shared.contracts.message import Event
from shared.contracts.participant_recording import StartParticipantRecording
from shared.contracts.room import RoomCreated, SessionStarted
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.horizon import Horizon
from shared.messaging.asking import Owners
from shared.messaging.in_process import InProcessBus
from shared.messaging.topology import CONSENT_COMMANDS
from tests.support.events import append
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.support.recorder import FakeRecorder

Happened = TypeVar("Happened", bound=Event)

#: Long, so that nothing hangs on it.
_ANSWER_SECONDS = 30


class RecordingHouse:
    """Room `r`, whose session `s` is live."""

    def __init__(self, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self.log = InMemoryEventStore()
        self.roster = Roster()
        self.recorder = FakeRecorder()
        bus, self.horizon = InProcessBus(), Horizon(utc_now)
        self._bus = bus
        owners = Owners(bus, answer_seconds)
        rooms = Rooms(CommandHandler(self.log, ROOM), self.horizon, utc_now, lambda: "gateway")
        current = CurrentConsents(self.log, rooms)
        self.recordings = ParticipantRecordings(
            rooms, Consents(owners, self.horizon), current, owners, self.log, self.horizon, utc_now
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RecordingHouse]:
        answers = self._bus.answer(CONSENT_COMMANDS, consent_answerer(ConsentService(self.log)))
        async with answers, self.recorder.answering(self._bus):
            yield self

    async def session(self, **room: Any) -> None:
        """Begin the session, in a room that is made so."""
        policy = room.get("consent_policy", "clear")
        await self.happens(
            RoomCreated(at=at(), room_id="r", **room),
            SessionStarted(at=at(), room_id="r", session_id="s", consent_policy=policy),
        )

    async def happens(self, *events: Event) -> None:
        """Write events down, and let this gateway hear of them."""
        await self.is_written(*events)
        for event in events:
            self.roster.apply(event)

    async def is_written(self, *events: Event) -> None:
        """Write events down that this gateway has not heard of yet."""
        for event in events:
            await append(self.log, event.stream, [encode(event, Context.begin("service:test"))])

    async def written(self, kind: type[Happened]) -> list[Happened]:
        await self.log.sequence(1_000_000)
        events = [decode(stored) for stored in await self.log.read_all(limit=1_000_000)]
        return [event for event in events if isinstance(event, kind)]

    def started(self) -> StartParticipantRecording:
        """Return the last start that the recorder was asked for."""
        return next(each for each in reversed(self.recorder.asked) if isinstance(each, StartParticipantRecording))
