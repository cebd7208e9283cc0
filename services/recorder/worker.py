"""The worker: takes participant recordings and runs their media paths, one ffmpeg process for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.gates import Gates
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.media.black import BlackPictures
from services.recorder.media.sources.ports import Addresses
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.recording_task import RecordingTask
from services.recorder.sources import Sources, Who
from services.recorder.watermark import WatermarkGauge
from services.recorder.workbench import Workbench
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingRequested,
    ParticipantRecordingStopRequested,
    RecordingKind,
)
from shared.contracts.recording import RecordingFailed, RecordingStopped
from shared.contracts.room import ParticipantLeft, SessionEnded
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()

#: How long running recordings may take to be finished when the worker stops.
_DRAIN_SECONDS = 20
#: How many ends of room recordings and of sessions are remembered.
_ENDS = 1000

#: Session, participant and what is recorded of them: one recording of each runs at a time.
_Which = tuple[str, str, RecordingKind]


class Worker:
    """What one process records, and what it knows of the participants it may have to record."""

    def __init__(
        self,
        streams: ParticipantRecordingStreams,
        store: LocalObjectStore,
        ffmpeg: Path,
        watermark: WatermarkGauge,
        worker_id: str,
        addresses: Addresses,
        disk: SpoolDisk,
    ) -> None:
        self.worker_id = worker_id
        self.watermark = watermark
        self._bench = Workbench(worker_id, streams, store, ffmpeg, watermark, BlackPictures(ffmpeg), disk)
        #: Where participants' media comes in.
        self.sources = Sources(worker_id, addresses, self._recordings_of)
        self._gates = Gates()
        self._recordings: dict[_Which, RecordingTask] = {}
        #: What is to begin when the participant's last recording of that kind has told the log that it is over.
        self._waiting: dict[_Which, tuple[ParticipantRecordingRequested, Context]] = {}
        #: When room recordings and sessions ended, by their ids, the oldest first: what belongs to one may be assigned
        #: after its end was heard of. None: it was thrown away.
        self._ends: dict[str, datetime | None] = {}
        #: Sessions that are over and have recordings that are not.
        self._ended: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def apply(self, event: Event) -> None:
        """Take the next event of the log: what may be recorded, whose media ends, which recording ends."""
        self._gates.apply(event)
        match event:
            # Media is announced for a participant, not for a connection: it outlives one that is replaced.
            case ParticipantLeft() if event.reason != "replaced":
                self.sources.close((event.session_id, event.participant_id), asked_until=event.at)
            case RecordingStopped() | RecordingFailed():
                self._stop_all(event)
            case ParticipantRecordingDeleted():
                self._drop(event)
            case ParticipantRecordingStopRequested():
                self._stop(event)
            case SessionEnded():
                self._end_session(event)
            case _:
                pass

    def take(self, event: ParticipantRecordingRequested, context: Context) -> None:
        """Begin a participant recording. It goes on by itself; one that is running already stays as it is.

        The log has one at a time of a participant and kind: if we run another, that one is over and only has to hear
        of it.
        """
        which: _Which = (event.session_id, event.participant_id, event.kind)
        running = self._recordings.get(which)
        if running is None:
            self._begin(which, event, context)
        elif running.id != event.participant_recording_id:
            self._waiting[which] = event, context

    def is_writing(self, participant_recording_id: str) -> bool:
        """Tell whether it is being recorded or finished here."""
        return any(recording.id == participant_recording_id for recording in self._recordings.values())

    def _begin(self, which: _Which, event: ParticipantRecordingRequested, context: Context) -> None:
        who = event.session_id, event.participant_id
        gate = self._gates.of_file(*who, event.participant_recording_id, event.recording_id)
        recording = RecordingTask(event, self._bench, gate, context)
        self._recordings[which] = recording
        if (of := event.recording_id or event.session_id) in self._ends:
            recording.end(self._ends[of])
        recording.use(self.sources.of(who))
        task = asyncio.create_task(recording.run())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(which, done))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while the context lasts; at its end, finish what is being recorded."""
        async with self.sources.receiving():
            try:
                yield
            finally:
                await self._drain()

    async def _drain(self) -> None:
        self._waiting.clear()
        now = datetime.now(UTC)
        for recording in self._recordings.values():
            recording.drain(now)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_DRAIN_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._bench.disk.close()

    def _stop(self, event: ParticipantRecordingStopRequested) -> None:
        recording = self._recordings.get((event.session_id, event.participant_id, event.kind))
        if recording and recording.id == event.participant_recording_id:
            recording.stop(event.at)

    def _stop_all(self, event: RecordingStopped | RecordingFailed) -> None:
        """End the files of a room recording where it ended.

        They are told so each, but the watermark does not wait for that: it may pass the end before. Nor may a file of
        one that was thrown away still be put in place.
        """
        end = None if isinstance(event, RecordingStopped) and event.discarded else event.at
        self._remember_end(event.recording_id, end)
        self._stop_of(event.session_id, event.recording_id, end)

    def _drop(self, event: ParticipantRecordingDeleted) -> None:
        for recording in self._recordings.values():
            if recording.id == event.participant_recording_id:
                recording.drop()

    def _end_session(self, event: SessionEnded) -> None:
        """Close the session's sources, and end where it ended what servers asked for: nothing outlives it."""
        self.sources.close_session(event.session_id)
        self._remember_end(event.session_id, event.at)
        self._stop_of(event.session_id, None, event.at)
        self._ended.add(event.session_id)
        self._forget()

    def _remember_end(self, of: str, at: datetime | None) -> None:
        self._ends[of] = at
        if len(self._ends) > _ENDS:
            del self._ends[next(iter(self._ends))]

    def _stop_of(self, session_id: str, recording_id: str | None, at: datetime | None) -> None:
        for which, recording in self._recordings.items():
            if which[0] == session_id and recording.recording_id == recording_id:
                recording.end(at)

    def _forget(self) -> None:
        """Forget what was said in sessions that are over; not what running recordings still have to obey."""
        over = self._ended - {which[0] for which in self._recordings}
        for session_id in over:
            self._gates.forget(session_id)
        self._ended -= over

    def _recordings_of(self, who: Who) -> Iterator[RecordingTask]:
        return (recording for which, recording in self._recordings.items() if which[:2] == who)

    def _done(self, which: _Which, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._recordings[which]
        if not task.cancelled() and (error := task.exception()):
            _log.error("recording task failed", which=which, error=repr(error))
        if waiting := self._waiting.pop(which, None):
            self._begin(which, *waiting)
        self._forget()
