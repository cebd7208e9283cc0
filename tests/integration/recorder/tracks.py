"""Recordings of one track in a studio: asked for, stopped, and what the log tells of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from services.recorder.domain.participant_recording import RequestParticipantRecording
from services.recorder.media.frame import Kind
from shared.contracts.participant_recording import (
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
    participant_recording_stream,
)
from shared.eventsourcing.codec import Context, decode
from tests.support.eventually import eventually
from tests.support.studio import Studio, now

Happened = TypeVar("Happened")


class Track:
    """Ann's recording of one kind; she may have one of the other kind beside it."""

    def __init__(self, room: Studio, kind: Kind) -> None:
        self._room = room
        self._about: dict[str, Any] = {
            "room_id": "r",
            "session_id": "s",
            "participant_id": "ann",
            "participant_recording_id": f"ann-{kind}",
            "kind": kind,
        }

    async def records(self) -> None:
        """Let the worker take a recording, and wait until it says that files may begin."""
        await self.requests()
        await self.until(ParticipantRecordingStarted)

    async def requests(self) -> None:
        command = RequestParticipantRecording(**self._about, at=now(), recording_id="rec1")
        (requested,) = await self._room.streams.give(command, Context.begin("service:test"))
        assert isinstance(requested, ParticipantRecordingRequested)
        self._room.takes(requested)

    async def stops(self, at: datetime | None = None) -> list[TrackFileFinished]:
        """Stop it, wait until it is over, and return its files."""
        await self.is_told_to_stop(at)
        await self.until(TrackRecordingStopped)
        return await self.files()

    async def is_told_to_stop(self, at: datetime | None = None) -> None:
        command = StopParticipantRecording(**self._about, at=at or now())
        for event in await self._room.streams.give(command, Context.begin("service:test")):
            self._room.worker.apply(event)

    async def files(self, number: int = 0) -> list[TrackFileFinished]:
        """Return the files that were told of; wait until there are so many."""

        async def enough() -> bool:
            return len(await self._finished()) >= number

        await eventually(enough)
        return await self._finished()

    async def until(self, kind: type[Happened]) -> Happened:
        async def told() -> bool:
            return any(isinstance(event, kind) for event in await self.happened())

        await eventually(told)
        return next(event for event in await self.happened() if isinstance(event, kind))

    async def happened(self) -> list[Any]:
        stream = participant_recording_stream("s", "ann", self._about["kind"])
        return [decode(stored) for stored in await self._room.log.read(stream)]

    async def words(self) -> list[str]:
        """Return what was said of it, by the last words of the wire types; not whether packets flowed."""
        words = [event.type.split(".")[1] for event in await self.happened()]
        return [word for word in words if not word.startswith("flow-")]

    async def _finished(self) -> list[TrackFileFinished]:
        return [event for event in await self.happened() if isinstance(event, TrackFileFinished)]
