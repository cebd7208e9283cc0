"""What merges are made of, as the log has it: who stops and merges at once shall not wait for a projection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast, get_args

from services.gateway.domain.recording import RECORDING, RecordingHappened
from services.gateway.domain.room_life import Room
from services.gateway.projections.kept_recordings import KeptRecording, recording_after
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingEvent,
    RecordingKind,
    participant_recording_stream,
)
from shared.contracts.recording import recording_stream
from shared.eventsourcing.codec import decode
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.store import EventStore

#: States of recordings that nobody has ended by a word about them alone.
_RUNNING = {"awaited", "requested", "started"}


class NotRecordedError(RefusedError):
    """There is nothing to merge."""

    code = "recording_not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: record first, and merge what was not deleted")


class StillRunningError(RefusedError):
    """A recording that goes on has no end to merge up to."""

    code = "recording_running"

    def __init__(self, recording: KeptRecording) -> None:
        super().__init__(f"recording {recording.id} of participant {recording.participant_id} still runs: stop it")
        self.recording_id = recording.id


class SoundlessError(RefusedError):
    """Sound was asked for of a recording that has none."""

    code = "unsupported_kind"

    def __init__(self, recording: KeptRecording) -> None:
        super().__init__(f"recording {recording.id} is of video alone, and has no sound to merge")
        self.recording_id = recording.id


@dataclass(frozen=True, slots=True)
class Source:
    """Whose sound goes into a channel."""

    participant_id: str
    #: None: their newest of that kind.
    recording_id: str | None = None
    kind: RecordingKind = "audio_video"


class MergeSources:
    """The recordings of one session, each stream read once. Each method raises LogUnavailableError."""

    def __init__(self, store: EventStore, room_id: str, room: Room, session_id: str) -> None:
        self._store = store
        self.room_id = room_id
        self.room = room
        self.session_id = session_id
        self._is_over = room.session_id != session_id
        self._read: dict[str, list[Event]] = {}

    async def sound(self, source: Source) -> KeptRecording:
        """Return the recording that is meant. Raises NotRecordedError, SoundlessError and StillRunningError."""
        if source.recording_id is not None:
            meant = await self._named(source.participant_id, source.recording_id)
        else:
            meant = await self._newest(source)
        if meant is None:
            raise NotRecordedError(f"no such recording of participant {source.participant_id} in this session")
        if meant.kind == "video":
            raise SoundlessError(meant)
        return await self._ended(meant)

    async def now(self, recording: KeptRecording) -> KeptRecording:
        """Return it as the log has it. Raises NotRecordedError and StillRunningError."""
        theirs = await self._of(recording.participant_id, recording.kind)
        found = next((one for one in theirs if one.id == recording.id), None)
        if found is None:
            raise NotRecordedError(f"recording {recording.id} not found")
        return await self._ended(found)

    async def _named(self, participant_id: str, recording_id: str) -> KeptRecording | None:
        """Return the one of that id, of whichever kind."""
        for kind in get_args(RecordingKind):
            for one in await self._of(participant_id, kind):
                if one.id == recording_id:
                    return one
        return None

    async def _newest(self, source: Source) -> KeptRecording | None:
        theirs = await self._of(source.participant_id, source.kind)
        # One that has failed, or will, is merged only where nothing better is there.
        hopeless = {"failed", "awaited"} if self._is_over else {"failed"}
        return next(iter(sorted(theirs, key=lambda one: one.state in hopeless)), None)

    async def _of(self, participant_id: str, kind: RecordingKind) -> list[KeptRecording]:
        """Return a participant's recordings of a kind, newest first; none that was refused or deleted."""
        stream = participant_recording_stream(self.session_id, participant_id, kind)
        return [one for one in reversed(_kept(await self._events(stream))) if one.is_shown]

    async def _ended(self, recording: KeptRecording) -> KeptRecording:
        """Return a recording that is over, or is being finished: the merge waits for that.

        That its session or its room recording is over is known before the recorder has written down what follows.
        """
        if recording.state not in _RUNNING or self._is_over:
            return recording
        if recording.recording_id not in {None, await self._running()}:
            return recording
        raise StillRunningError(recording)

    async def _running(self) -> str | None:
        """Return the room recording that runs."""
        happened = cast("list[RecordingHappened]", await self._events(recording_stream(self.session_id)))
        running = RECORDING.fold(happened).running
        return running.recording_id if running else None

    async def _events(self, stream: str) -> list[Event]:
        if stream not in self._read:
            self._read[stream] = [decode(stored) for stored in await self._store.read(stream)]
        return self._read[stream]


def _kept(events: Iterable[Event]) -> list[KeptRecording]:
    """Return the recordings that events are about, oldest first."""
    found: dict[str, KeptRecording] = {}
    for position, event in enumerate(cast("Iterable[ParticipantRecordingEvent]", events), 1):
        one = event.participant_recording_id
        if after := recording_after(found.get(one), event, position):
            found[one] = after
    return list(found.values())
