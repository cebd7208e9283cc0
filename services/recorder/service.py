"""What the recorder hears: everything that happens, and what one worker is to take."""

from __future__ import annotations

from datetime import UTC, datetime

from services.recorder.domain.recording import ConfirmRecording
from services.recorder.handlers import RecorderStreams
from services.recorder.meetings import Meetings
from services.recorder.moments import nanoseconds
from services.recorder.worker import Worker
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.recording import RecordingRequested
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from shared.eventsourcing.store import EventStore
from shared.messaging.message import Message, stored_event


class RecorderService:
    """Hands what is heard to the process manager and to the worker."""

    def __init__(self, store: EventStore, streams: RecorderStreams, meetings: Meetings, worker: Worker) -> None:
        self._streams = streams
        self._meetings = meetings
        self._worker = worker
        self._follower = Follower(store, self._apply)

    async def catch_up(self) -> None:
        """Read what the log holds; afterwards `follow` keeps up."""
        await self._follower.catch_up()

    async def follow(self, message: Message) -> None:
        """Take a message of the events exchange: the next event, or the watermark."""
        if watermark := await self._follower.hear(message):
            self._worker.watermark.raise_to(nanoseconds(watermark.at))

    async def until_stopped(self) -> None:
        """Wait until there is an event that this version cannot read, and raise why."""
        await self._follower.until_stopped()

    async def assign(self, message: Message) -> None:
        """Take what one worker, this one, is to do."""
        stored = stored_event(message)
        event = decode(stored)
        context = Context(f"worker:{self._worker.worker_id}", stored.id, stored.correlation_id)
        if isinstance(event, RecordingRequested):
            await self._confirm(event, context)
        elif isinstance(event, ParticipantRecordingRequested):
            await self._follower.catch_up(stored.global_position)
            self._worker.take(event, context)

    async def _confirm(self, event: RecordingRequested, context: Context) -> None:
        command = ConfirmRecording(
            event.room_id, event.session_id, event.recording_id, self._worker.worker_id, datetime.now(UTC)
        )
        await self._streams.give(command, context)

    def _apply(self, event: Event, stored: StoredEvent) -> None:  # noqa: ARG002  positions are the follower's
        self._meetings.apply(event)
        self._worker.apply(event)
