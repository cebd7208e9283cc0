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
from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.sources.ports import Host, NoPortsLeftError
from services.recorder.media.sources.reading import SocketReader
from services.recorder.media.sources.rtp import RtpSource
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.recording_task import RecordingTask
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
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError

_log = structlog.get_logger()

#: How long running recordings may take to be finished when the worker stops.
_DRAIN_SECONDS = 20
#: How many ends of room recordings and of sessions are remembered.
_ENDS = 1000

#: Session and participant: their media.
_Who = tuple[str, str]
#: Session, participant and what is recorded of them: one recording of each runs at a time.
_Which = tuple[str, str, RecordingKind]


class SourceRefusedError(RefusedError):
    """The announced media cannot be received."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Worker:
    """What one process records, and what it knows of the participants it may have to record."""

    def __init__(
        self,
        streams: ParticipantRecordingStreams,
        store: LocalObjectStore,
        ffmpeg: Path,
        watermark: WatermarkGauge,
        worker_id: str,
        rtp_host: str,
        rtp_ports: range,
        disk: SpoolDisk,
    ) -> None:
        self.worker_id = worker_id
        self.watermark = watermark
        self._bench = Workbench(worker_id, streams, store, ffmpeg, watermark, BlackPictures(ffmpeg), disk)
        self._rtp = Host.named(rtp_host), rtp_ports, SocketReader()
        self._gates = Gates()
        self._sources: dict[_Who, tuple[OpenRtpSource, RtpSource]] = {}
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
                self._close_source((event.session_id, event.participant_id), asked_until=event.at)
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
        if who in self._sources:
            recording.use(self._sources[who][1])
        task = asyncio.create_task(recording.run())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(which, done))

    async def open_rtp_source(self, asked: OpenRtpSource) -> RtpSourceOpened:
        """Listen for a participant's RTP. Asked the same again, answer the same. Raises SourceRefusedError.

        What was asked before that, and comes again or late, changes nothing.
        """
        who = asked.session_id, asked.participant_id
        if known := self._sources.get(who):
            newest, source = known
            if asked.at < newest.at:
                reason = f"participant {asked.participant_id} was announced anew since: send where that was answered"
                raise SourceRefusedError("lapsed", reason)
            if (newest.video, newest.audio) == (asked.video, asked.audio):
                self._sources[who] = asked, source
                source.announced_again()
                return source.answer
        self._refuse_other_codec(asked)
        source = self._open(asked)
        self._close_source(who)
        self._sources[who] = asked, source
        for recording in self._recordings_of(who):
            recording.use(source)
        return source.answer

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while the context lasts; at its end, finish what is being recorded."""
        try:
            yield
        finally:
            self._waiting.clear()
            now = datetime.now(UTC)
            for recording in self._recordings.values():
                recording.drain(now)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_DRAIN_SECONDS)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for who in list(self._sources):
                self._close_source(who)
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
        for who in [who for who in self._sources if who[0] == event.session_id]:
            self._close_source(who)
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

    def _open(self, asked: OpenRtpSource) -> RtpSource:
        if asked.video is None and asked.audio is None:
            raise SourceRefusedError("no_tracks", "announce a video track, an audio track or both")
        try:
            return RtpSource.open(asked, *self._rtp)
        except UnsupportedCodecError as error:
            raise SourceRefusedError("unsupported_codec", str(error)) from error
        except NoPortsLeftError as error:
            raise SourceRefusedError("no_ports", str(error)) from error

    def _refuse_other_codec(self, asked: OpenRtpSource) -> None:
        """Raise SourceRefusedError if a file that has begun cannot hold the announced picture."""
        for recording in self._recordings_of((asked.session_id, asked.participant_id)):
            begun = recording.video_codec
            if asked.video and begun and asked.video.codec != begun:
                reason = (
                    f"codec {asked.video.codec!r} cannot go into a file that began in {begun}: send {begun.upper()}"
                )
                raise SourceRefusedError("unsupported_codec", f"{reason}, or end that recording first")

    def _close_source(self, who: _Who, asked_until: datetime | None = None) -> None:
        """Close a participant's source, unless it was asked for after `asked_until`: they came back since."""
        known = self._sources.get(who)
        if known is None or (asked_until is not None and known[0].at > asked_until):
            return
        for recording in self._recordings_of(who):
            recording.use(None)
        self._sources.pop(who)[1].close()

    def _recordings_of(self, who: _Who) -> Iterator[RecordingTask]:
        return (recording for which, recording in self._recordings.items() if which[:2] == who)

    def _done(self, which: _Which, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._recordings[which]
        if not task.cancelled() and (error := task.exception()):
            _log.error("recording task failed", which=which, error=repr(error))
        if waiting := self._waiting.pop(which, None):
            self._begin(which, *waiting)
        self._forget()
