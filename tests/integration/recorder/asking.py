"""What a server asks of a studio's recorder: one participant's recording of one kind, and what the log tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from services.recorder.domain.participant_recording import ParticipantRecordingCommand
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingDeleted,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    PauseParticipantRecording,
    RecordingKind,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
    participant_recording_stream,
)
from shared.eventsourcing.codec import Context, decode
from tests.support.eventually import eventually
from tests.support.studio import Studio, now
from tests.support.webm import Packet, read_packets

Happened = TypeVar("Happened", bound=Event)


class Asked:
    """Somebody's recordings, one after the other. What is asked is decided, and the worker hears of it at once."""

    def __init__(self, room: Studio, who: str = "ann", kind: RecordingKind = "audio_video") -> None:
        self._room = room
        self._kind = kind
        self._about: dict[str, Any] = {"room_id": "r", "session_id": "s", "participant_id": who, "kind": kind}
        self._number = 0

    @property
    def one(self) -> str:
        """The id of the newest."""
        return f"{self._kind}-{self._number}"

    async def starts(self, storage_prefix: str = "") -> None:
        """Start one, and wait until the worker says that it begins."""
        await self.asks_to_start(storage_prefix)
        await self.until(ParticipantRecordingStarted)

    async def asks_to_start(self, storage_prefix: str = "") -> None:
        self._number += 1
        one = {"participant_recording_id": self.one, "storage_prefix": storage_prefix}
        command = StartParticipantRecording(**self._about, **one, at=now(), consents=True, present=True)
        for event in await self._give(command):
            assert isinstance(event, ParticipantRecordingRequested)
            self._room.takes(event)

    async def pauses(self, at: datetime | None = None) -> datetime:
        return await self._changes(PauseParticipantRecording(**self._about, at=at or now()))

    async def resumes(self) -> datetime:
        return await self._changes(ResumeParticipantRecording(**self._about, at=now()))

    async def stops(self, at: datetime | None = None) -> datetime:
        return await self._changes(StopParticipantRecording(**self._about, at=at or now()))

    async def discards(self, *, heard: bool = True) -> ParticipantRecordingDeleted:
        """Throw it away; if it is not heard, the worker does not know."""
        (event,) = await self._give(StopParticipantRecording(**self._about, at=now(), discarded_by="key"))
        assert isinstance(event, ParticipantRecordingDeleted)
        if heard:
            self._room.worker.apply(event)
        return event

    async def deletes(self) -> list[Event]:
        about = {**self._about, "participant_recording_id": self.one}
        return await self._give(DeleteParticipantRecording(**about, at=now(), deleted_by="key"))

    async def until(self, kind: type[Happened]) -> Happened:
        """Wait until the log tells so of the newest."""
        await eventually(lambda: self._has(kind))
        return next(event for event in await self.told() if isinstance(event, kind))

    async def told(self) -> list[Event]:
        stored = await self._room.log.read(participant_recording_stream("s", self._about["participant_id"], self._kind))
        events = [decode(event) for event in stored]
        return [event for event in events if getattr(event, "participant_recording_id", "") == self.one]

    async def finished(self) -> list[Packet]:
        """Wait until it is over, and return what is in its files."""
        await self.until(ParticipantRecordingStopped if self._kind == "audio_video" else TrackRecordingStopped)
        files = [
            each for each in await self.told() if isinstance(each, ParticipantRecordingStopped | TrackFileFinished)
        ]
        read = [await asyncio.to_thread(read_packets, self._room.root / each.file.path) for each in files]
        return [packet for packets in read for packet in packets]

    async def _has(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in await self.told())

    async def _changes(self, command: ParticipantRecordingCommand) -> datetime:
        (event,) = await self._give(command)
        self._room.worker.apply(event)
        return event.at

    async def _give(self, command: ParticipantRecordingCommand) -> list[Event]:
        return list(await self._room.streams.give(command, Context.begin("server:key")))


def stored(root: Path) -> Mapping[str, int]:
    """Return what is in the store, with its size in bytes."""
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}
