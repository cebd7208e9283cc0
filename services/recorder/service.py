"""What the recorder hears: everything that happens, and what one worker is to take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from services.recorder.moments import nanoseconds
from services.recorder.worker import Worker
from shared.contracts import actors
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.recording import WORKER_ANSWERS_WITHIN, ConfirmRecording, RecordingRequested
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.decider import RefusedError
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError
from shared.messaging.follower import Follower
from shared.messaging.message import Message, stored_event

_log = structlog.get_logger()


class RecorderService:
    """Has what is heard followed, and the worker take what is assigned to it."""

    def __init__(self, follower: Follower, owners: Owners, worker: Worker, heard: Callable[[], None]) -> None:
        """`heard` is told of every watermark."""
        self._follower = follower
        self._owners = owners
        self._worker = worker
        self._heard = heard

    async def follow(self, message: Message) -> None:
        """Take a message of the events exchange: the next event, or the watermark."""
        if watermark := await self._follower.hear(message):
            self._worker.watermark.raise_to(nanoseconds(watermark.at))
            self._heard()

    async def assign(self, message: Message) -> None:
        """Take what one worker, this one, is to do."""
        stored = stored_event(message)
        event = decode(stored)
        context = Context(actors.worker(self._worker.worker_id), stored.id, stored.correlation_id)
        if isinstance(event, RecordingRequested):
            await self._confirm(event, context)
        elif isinstance(event, ParticipantRecordingRequested):
            await self._follower.catch_up(stored.global_position)
            self._worker.take(event, context)

    async def _confirm(self, event: RecordingRequested, context: Context) -> None:
        command = ConfirmRecording(
            at=datetime.now(UTC),
            room_id=event.room_id,
            session_id=event.session_id,
            recording_id=event.recording_id,
            worker_id=self._worker.worker_id,
        )
        try:
            await self._owners.ask(command, context, Accepted)
        except RefusedError as error:
            # Asking again would not change that.
            _log.info("not confirmed", recording=event.recording_id, reason=str(error))
        except BusError as error:
            if datetime.now(UTC) - event.at < WORKER_ANSWERS_WITHIN:
                raise
            # It has failed by now, or will when a gateway is there.
            _log.warning("not confirmed", recording=event.recording_id, reason=str(error))
