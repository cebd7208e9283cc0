"""Room recordings, as moderators ask for them: generation A's by id, generation B's whichever runs."""

from __future__ import annotations

from uuid import uuid4

from services.gateway.asking import CommandRefusedError, Owners
from services.gateway.handlers import Rooms, participant
from services.gateway.projections.roster import target_id
from shared.contracts.recording import PauseRecording, RecordingCommand, ResumeRecording, StartRecording, StopRecording
from shared.contracts.reply import Accepted
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.horizon import Horizon
from shared.runtime.clock import Clock


class InvalidRecordingIdError(RefusedError):
    """What was sent is no recording id."""

    code = "invalid_recording_id"


class InvalidStreamingIdError(RefusedError):
    """What was sent is no target of the room."""

    code = "invalid_streaming_id"


class Recordings:
    """Asks the recorder. Each method raises RefusedError, and BusError when the recorder is out of reach."""

    def __init__(self, rooms: Rooms, owners: Owners, horizon: Horizon, clock: Clock) -> None:
        self._rooms = rooms
        self._owners = owners
        self._horizon = horizon
        self._clock = clock

    async def start(self, room_id: str, moderator: str) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        await self._start(room_id, session_id, moderator)

    async def stop(self, room_id: str, moderator: str, recording_id: str | None) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if recording_id is None:
            raise InvalidRecordingIdError("that is no recording's id: send the one of `started`")
        # As with consent: files end at this moment, so no media after it may be written while this is on its way.
        with self._horizon.saying() as moment:
            await self._ask(
                StopRecording(
                    at=moment,
                    room_id=room_id,
                    session_id=session_id,
                    recording_id=recording_id,
                    requested_by=moderator,
                ),
                moderator,
            )

    async def start_stream(self, room_id: str, moderator: str, target_ids: list[str] | None) -> None:
        """Start a recording, or go on with one that is paused. One that runs already is none the worse for it."""
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if not _is_meant(room_id, target_ids):
            return
        resume = ResumeRecording(at=self._clock(), room_id=room_id, session_id=session_id, requested_by=moderator)
        try:
            await self._ask(resume, moderator)
        except CommandRefusedError as refused:
            _pass_over(refused, "recorder_not_started")
            await self._start_unless_started(room_id, session_id, moderator)

    async def pause_stream(self, room_id: str, moderator: str, target_ids: list[str] | None) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if not _is_meant(room_id, target_ids):
            return
        with self._horizon.saying() as moment:
            await self._ask(
                PauseRecording(at=moment, room_id=room_id, session_id=session_id, requested_by=moderator),
                moderator,
            )

    async def stop_stream(self, room_id: str, moderator: str, target_ids: list[str] | None) -> None:
        session_id = await self._rooms.moderated_session(room_id, moderator)
        if not _is_meant(room_id, target_ids):
            return
        with self._horizon.saying() as moment:
            await self._ask(
                StopRecording(
                    at=moment, room_id=room_id, session_id=session_id, requested_by=moderator, unstarted=True
                ),
                moderator,
            )

    async def _start(self, room_id: str, session_id: str, moderator: str) -> None:
        await self._ask(
            StartRecording(
                at=self._clock(),
                room_id=room_id,
                session_id=session_id,
                recording_id=str(uuid4()),
                requested_by=moderator,
            ),
            moderator,
        )

    async def _start_unless_started(self, room_id: str, session_id: str, moderator: str) -> None:
        try:
            await self._start(room_id, session_id, moderator)
        except CommandRefusedError as refused:
            _pass_over(refused, "already_recording")

    async def _ask(self, command: RecordingCommand, moderator: str) -> None:
        await self._owners.ask(command, participant(moderator), Accepted)


def _pass_over(refused: CommandRefusedError, code: str) -> None:
    """Raise the refusal, unless it only says how things stand."""
    if refused.code != code:
        raise refused


def _is_meant(room_id: str, target_ids: list[str] | None) -> bool:
    """Tell whether the room's target is among those. Raises InvalidStreamingIdError for any other."""
    target = target_id(room_id)
    if target_ids is None or any(each != target for each in target_ids):
        raise InvalidStreamingIdError(f"room {room_id} has one target, {target}")
    return bool(target_ids)
