"""Coordinators beside one another on one log, fed as the relay feeds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.recorder.domain.participant_recording import ConfirmParticipantRecording
from services.recorder.domain.recording import ConfirmRecording
from services.recorder.handlers import RecorderStreams
from services.recorder.meetings import Meetings
from shared.contracts.consent import ConsentGiven, ConsentRefused
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStarted, StartRecording, StopRecording
from shared.contracts.room import ConsentPolicy, ParticipantJoined, SessionEnded, SessionStarted
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.unreliable_log import UnreliableEventStore

Happened = TypeVar("Happened", bound=Event)


@dataclass(slots=True)
class Coordination:
    """One session, `s`, and what is recorded of it."""

    log: UnreliableEventStore = field(default_factory=UnreliableEventStore)
    now: datetime = field(default_factory=at)
    _followers: list[Follower] = field(default_factory=list)
    _looks: int = 0

    @property
    def streams(self) -> RecorderStreams:
        return RecorderStreams(self.log)

    @asynccontextmanager
    async def coordinator(self) -> AsyncIterator[None]:
        """Start one more; it reads the log from its beginning and follows it."""
        one = Meetings(RecorderStreams(self.log), self._look_at_the_clock)

        def apply(event: Event, _: StoredEvent) -> None:
            one.apply(event)

        follower = Follower(self.log, apply)
        await follower.catch_up()
        self._followers.append(follower)
        running = asyncio.create_task(one.run())
        try:
            yield
        finally:
            self._followers.remove(follower)
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
        """Wait until all that happened and the time have been considered: the clock has been looked at, and again."""
        await self.pass_on()
        enough = self._looks + 2
        await eventually(lambda: self._looks >= enough)

    def _look_at_the_clock(self) -> datetime:
        self._looks += 1
        return self.now

    async def told(self, kind: type[Happened]) -> list[Happened]:
        events = [decode(stored) for stored in await self.log.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

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
        about: dict[str, Any] = {"at": self.now, "room_id": "r", "session_id": "s", "recording_id": recording_id}
        await self.streams.give(StartRecording(**about, requested_by="mona"), _context())
        if confirmed:
            await self.streams.give(ConfirmRecording(**about, worker_id="worker"), _context())
            await self.until(RecordingStarted)

    async def stops(self, recording_id: str = "rec") -> None:
        about = {"at": self.now, "room_id": "r", "session_id": "s", "recording_id": recording_id}
        await self.streams.give(StopRecording(**about, requested_by="mona"), _context())

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
