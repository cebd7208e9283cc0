"""What the recorder hears: everything that happens, and what one worker is to take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from services.recorder.erasures import Erasures
from services.recorder.meetings import Meetings
from services.recorder.moments import nanoseconds
from services.recorder.worker import Worker
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.recording import ConfirmRecording, RecordingRequested
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from shared.eventsourcing.store import EventStore
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError
from shared.messaging.message import Message, stored_event

_log = structlog.get_logger()

#: How long a room recording is waited for by the gateway: a worker that could not be confirmed until then is too late.
_WAITED_FOR = timedelta(seconds=5)


class RecorderService:
    """Hands what is heard to the process manager, to whatever erases files, and to the worker."""

    def __init__(
        self,
        store: EventStore,
        owners: Owners,
        meetings: Meetings,
        erasures: Erasures,
        worker: Worker,
        *others: Callable[[Event], None],
    ) -> None:
        self._owners = owners
        self._meetings = meetings
        self._erasures = erasures
        self._worker = worker
        #: Who else hears every event.
        self._others = others
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
            if datetime.now(UTC) - event.at < _WAITED_FOR:
                raise
            # It has failed by now, or will when a gateway is there.
            _log.warning("not confirmed", recording=event.recording_id, reason=str(error))

    def _apply(self, event: Event, stored: StoredEvent) -> None:  # noqa: ARG002  positions are the follower's
        self._meetings.apply(event)
        self._erasures.apply(event)
        self._worker.apply(event)
        for hear in self._others:
            hear(event)
