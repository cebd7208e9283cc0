"""Room recordings, as moderators ask for them: generation A's by id, generation B's whichever runs."""

from __future__ import annotations

from uuid import uuid4

from services.gateway.domain.recording import (
    InvalidRecordingIdError,
    PauseRecording,
    RecordingCommand,
    RecordingHappened,
    Recordings,
    StartRecording,
    StopRecording,
)
from services.gateway.projections.roster import target_id
from services.gateway.rooms import Rooms
from shared.concurrency.clock import Clock
from shared.contracts import actors
from shared.contracts.recording import recording_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.horizon import Horizon


class InvalidStreamingIdError(RefusedError):
    """What was sent is no target of the room."""

    code = "invalid_streaming_id"

    def __init__(self, room_id: str, target: str) -> None:
        super().__init__(f"room {room_id} has one target, {target}")
        self.room_id = room_id


class RoomRecordings:
    """The room recordings of all sessions. Each method raises RefusedError and LogUnavailableError."""

    def __init__(
        self,
        recordings: CommandHandler[Recordings, RecordingCommand, RecordingHappened],
        rooms: Rooms,
        horizon: Horizon,
        clock: Clock,
    ) -> None:
        self._recordings = recordings
        self._rooms = rooms
        self._horizon = horizon
        self._clock = clock

    async def start(self, room_id: str, moderator: str) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        await self._start(room_id, session_id, moderator, resumes=False)

    async def stop(self, room_id: str, moderator: str, recording_id: str | None, *, discards: bool = False) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if recording_id is None:
            raise InvalidRecordingIdError("without an id")
        await self._stop(room_id, session_id, moderator, recording_id, discards=discards)

    async def start_stream(self, room_id: str, moderator: str, target_ids: list[str] | None) -> None:
        """Start a recording, or go on with one that is paused. One that runs already is none the worse for it."""
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if _is_meant(room_id, target_ids):
            await self._start(room_id, session_id, moderator, resumes=True)

    async def pause_stream(self, room_id: str, moderator: str, target_ids: list[str] | None) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if _is_meant(room_id, target_ids):
            with self._horizon.saying() as moment:
                await self.give(PauseRecording(room_id, session_id, moderator, moment), _by(moderator))

    async def stop_stream(
        self, room_id: str, moderator: str, target_ids: list[str] | None, *, discards: bool = False
    ) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if _is_meant(room_id, target_ids):
            await self._stop(room_id, session_id, moderator, recording_id=None, discards=discards)

    async def give(self, command: RecordingCommand, context: Context) -> None:
        """Decide a command."""
        await self._recordings.handle(recording_stream(command.session_id), command, context)

    async def _start(self, room_id: str, session_id: str, moderator: str, *, resumes: bool) -> None:
        command = StartRecording(room_id, session_id, str(uuid4()), moderator, self._clock(), resumes)
        await self.give(command, _by(moderator))

    async def _stop(
        self, room_id: str, session_id: str, moderator: str, recording_id: str | None, *, discards: bool
    ) -> None:
        # As with consent: files end at this moment, so no media after it may be written while this is on its way.
        with self._horizon.saying() as moment:
            command = StopRecording(
                room_id, session_id, moment, recording_id, requested_by=moderator, discards=discards
            )
            await self.give(command, _by(moderator))


def _by(moderator: str) -> Context:
    return Context.begin(actors.participant(moderator))


def _is_meant(room_id: str, target_ids: list[str] | None) -> bool:
    """Tell whether the room's target is among those. Raises InvalidStreamingIdError for any other."""
    target = target_id(room_id)
    if target_ids is None or any(each != target for each in target_ids):
        raise InvalidStreamingIdError(room_id, target)
    return bool(target_ids)
