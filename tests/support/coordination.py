"""Recorders and gateways beside one another on one log, as far as they see to recordings; fed as by the relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.gateway.domain.recording import RECORDING, StartRecording, StopRecording
from services.gateway.domain.room import ROOM
from services.gateway.process_managers.room_recordings import ROOM_RECORDINGS
from services.gateway.recordings import RoomRecordings
from services.gateway.rooms import Rooms
from services.recorder.domain.participant_recording import ConfirmParticipantRecording
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.process_managers.rooms import RECORDED_ROOMS
from shared.contracts.consent import ConsentGiven, ConsentRefused
from shared.contracts.message import Event
from shared.contracts.recording import ConfirmRecording, RecordingStarted
from shared.contracts.room import ConsentPolicy, ParticipantJoined, SessionEnded, SessionStarted
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.process_manager import ProcessManager
from shared.messaging.follower import Follower
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore

Happened = TypeVar("Happened", bound=Event)


class _CountedClock:
    """The meeting's time, and how often somebody looked at it."""

    def __init__(self, meeting: Coordination) -> None:
        self._meeting = meeting
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        return self._meeting.now


@dataclass(slots=True)
class Coordination:
    """One session, `s`, and what is recorded of it."""

    log: UnreliableEventStore = field(default_factory=UnreliableEventStore)
    now: datetime = field(default_factory=at)
    _followers: list[Follower] = field(default_factory=list)
    _clocks: list[_CountedClock] = field(default_factory=list)

    @property
    def streams(self) -> ParticipantRecordingStreams:
        return ParticipantRecordingStreams(self.log)

    @property
    def recordings(self) -> RoomRecordings:
        horizon = Horizon(lambda: self.now)
        rooms = Rooms(CommandHandler(self.log, ROOM), horizon, lambda: self.now, lambda: "gateway")
        return RoomRecordings(CommandHandler(self.log, RECORDING), rooms, horizon, lambda: self.now)

    @asynccontextmanager
    async def recorder(self) -> AsyncIterator[None]:
        """Start one more recorder, without its worker."""
        clock = _CountedClock(self)
        one = ProcessManager(RECORDED_ROOMS, self.streams.give, "service:recorder", clock)
        async with self._following(one.apply, one.run, clock):
            yield

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[None]:
        """Start one more gateway, without its clients."""
        clock = _CountedClock(self)
        one = ProcessManager(ROOM_RECORDINGS, self.recordings.give, "service:gateway", clock)
        async with self._following(one.apply, one.run, clock):
            yield

    @asynccontextmanager
    async def _following(
        self,
        apply: Callable[[Event, StoredEvent], None],
        run: Callable[[], Awaitable[None]],
        clock: _CountedClock,
    ) -> AsyncIterator[None]:
        """Have it read the log from its beginning and follow it."""
        follower = Follower(self.log, apply)
        await follower.catch_up()
        running = asyncio.ensure_future(run())
        self._followers.append(follower)
        self._clocks.append(clock)
        try:
            yield
        finally:
            self._followers.remove(follower)
            self._clocks.remove(clock)
            running.cancel()
            await asyncio.wait({running})
            assert running.cancelled()

    async def until(self, kind: type[Happened], count: int = 1) -> list[Happened]:
        """Pass on what the log holds until there are so many such events in it."""

        async def are_there() -> bool:
            await self.pass_on()
            return len(await self.told(kind)) >= count

        await eventually(are_there)
        return await self.told(kind)

    async def pass_on(self) -> None:
        await self.log.sequence()
        await asyncio.gather(*(follower.catch_up() for follower in self._followers))

    async def considered(self) -> None:
        """Wait until all that happened and the time have been considered: each has looked at the clock, and again."""
        await self.pass_on()
        enough = [(clock, clock.looks + 2) for clock in self._clocks]
        await eventually(lambda: all(clock.looks >= looks for clock, looks in enough))

    async def told(self, kind: type[Happened]) -> list[Happened]:
        events = [decode(stored) for stored in await self.log.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def stored(self, kind: type[Event]) -> list[StoredEvent]:
        """Return how the log holds what was told."""
        return [stored for stored in await self.log.read_all(limit=100_000) if isinstance(decode(stored), kind)]

    # --- what happens

    async def session(self, *consenting: str, consent_policy: ConsentPolicy = "clear") -> None:
        started = SessionStarted(at=self.now, room_id="r", session_id="s", consent_policy=consent_policy)
        await self.happens(started)
        for who in consenting:
            await self.joins(who)

    async def joins(self, who: str, *, consents: bool | None = True) -> None:
        about: dict[str, Any] = {"at": self.now, "room_id": "r", "session_id": "s", "participant_id": who}
        await self.happens(ParticipantJoined(**about, display_name=who, role="user"))
        if consents is not None:
            await self.happens(ConsentGiven(**about) if consents else ConsentRefused(**about))

    async def ends(self) -> None:
        await self.happens(SessionEnded(at=self.now, room_id="r", session_id="s"))

    async def happens(self, event: Event) -> None:
        await append(self.log, event.stream, [encode(event, _context())])

    # --- what is decided

    async def starts(self, recording_id: str = "rec", *, confirmed: bool = True) -> None:
        """Let a moderator start a recording, and a worker confirm it."""
        await self.recordings.give(StartRecording("r", "s", recording_id, "mona", self.now), _context())
        if confirmed:
            await self.confirms(recording_id)
            await self.until(RecordingStarted)

    async def confirms(self, recording_id: str = "rec") -> None:
        command = ConfirmRecording(
            at=self.now, room_id="r", session_id="s", recording_id=recording_id, worker_id="worker"
        )
        await self.recordings.give(command, _context())

    async def stops(self, recording_id: str = "rec") -> None:
        await self.recordings.give(StopRecording("r", "s", self.now, recording_id, requested_by="mona"), _context())

    async def writes(self, who: str, participant_recording_id: str) -> None:
        """Let a worker confirm a participant's file."""
        command = ConfirmParticipantRecording(
            room_id="r",
            session_id="s",
            participant_id=who,
            participant_recording_id=participant_recording_id,
            at=self.now,
            worker_id="worker",
        )
        await self.streams.give(command, _context())

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def _context() -> Context:
    return Context.begin("service:test")
