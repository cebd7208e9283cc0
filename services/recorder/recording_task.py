"""One participant recording, from the first frame to the files in their place, and what the log is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime

import structlog

from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    ParticipantRecordingReport,
    ReportFlow,
)
from services.recorder.media.counting import LEFT_OUT, WAITING_BYTES, WAITING_SECONDS, Tally
from services.recorder.media.flow import FlowChanges, SenderFlow
from services.recorder.media.frame import NS_PER_SECOND, Kind, VideoCodec
from services.recorder.media.frame_queue import Waiting
from services.recorder.media.gate import Gate
from services.recorder.media.pipeline import Pipeline
from services.recorder.media.sources.source import Source
from services.recorder.media.track_pipeline import TrackPipeline
from services.recorder.moments import moment, nanoseconds
from services.recorder.reporting import confirm, failed, report
from services.recorder.track_files import TrackFiles
from services.recorder.wall_clock import now_ns
from services.recorder.whole_file import WholeFile
from services.recorder.workbench import Workbench, about
from shared.concurrency.supervision import supervised
from shared.contracts.participant_recording import ParticipantRecordingRequested, RecordingKind
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()

#: How often the media path is moved on when no watermark comes.
_TICK_SECONDS = 0.25
#: How often it is looked whether packets flow.
_FLOW_SECONDS = 1.0
#: How long a recording that has ended waits for the watermark where its worker ends: it has 20 s.
_DRAIN_NS = 10 * NS_PER_SECOND
#: What is heard of and told, by what is recorded.
_TRACKS: dict[RecordingKind, tuple[Kind, ...]] = {
    "audio_video": ("audio", "video"),
    "audio": ("audio",),
    "video": ("video",),
}

_MediaPath = Pipeline | TrackPipeline


class RecordingTask:
    """Runs one participant recording and reports it to the log."""

    def __init__(self, event: ParticipantRecordingRequested, bench: Workbench, gate: Gate, context: Context) -> None:
        self.id = event.participant_recording_id
        #: The room recording it is part of; None: a server asked for it.
        self.recording_id = event.recording_id
        self._bench = bench
        self._context = context
        self._start_ns = now_ns()
        self._about = about(event)
        self._flow = SenderFlow(self._start_ns)
        self._files = (
            WholeFile(event, bench, gate, self._flow, self._start_ns)
            if event.kind == "audio_video"
            else TrackFiles(event, bench, gate, self._start_ns, self._tell)
        )
        self._left_out = Tally(LEFT_OUT, event.kind)
        self._waiting_bytes = Tally(WAITING_BYTES, event.kind)
        self._waiting_seconds = Tally(WAITING_SECONDS, event.kind)
        #: How long it waits for the watermark once it has ended: what is not known to be permitted by then is left out.
        self._patience_ns = bench.disk.patience_ns
        self._source: Source | None = None
        #: None: no media is taken in.
        self._media: _MediaPath | None = None
        self._stop_at: datetime | None = None
        self._dropped = False
        self._task: asyncio.Task[object] | None = None

    def use(self, source: Source | None) -> None:
        """Take media from this source from now on; None: there is none."""
        if self._source and self._media:
            self._source.detach(self._media.take)
            self._source.detach_flow(self._flow)
        self._source = source
        if source and self._media:
            if isinstance(self._media, Pipeline):
                self._media.expect(source.video_codec)
            source.attach(self._media.take)
            source.attach_flow(self._flow)

    @property
    def video_codec(self) -> VideoCodec | None:
        """What the picture of its one file is encoded in; None: it may still be anything."""
        return self._media.codec if isinstance(self._media, Pipeline) else None

    def stop(self, at: datetime) -> None:
        """Let the recording end at that moment, or at the earliest of several."""
        self._stop_at = min(self._stop_at or at, at)

    def drain(self, at: datetime) -> None:
        """Let the recording end at that moment, soon: its worker does."""
        self._patience_ns = min(self._patience_ns, _DRAIN_NS)
        self.stop(at)

    def end(self, at: datetime | None) -> None:
        """Let the recording end as what it belongs to did; None: that was thrown away."""
        if at is None:
            self.drop()
        else:
            self.stop(at)

    def drop(self) -> None:
        """Let the recording end at once, with nothing left of it: the log has it thrown away."""
        if self._task and not self._dropped:
            self._task.cancel()
        self._dropped = True

    async def run(self) -> None:
        """Record until told to stop, put everything in place, and say so; or say what went wrong.

        What is not wanted, or not any more, leaves nothing.
        """
        self._task = asyncio.current_task()
        if self._dropped:
            return
        wanted = await self._recorded()
        self._task = None
        if not wanted:
            await self._files.discard()

    async def _recorded(self) -> bool:
        """Record, and return whether that is wanted."""
        try:
            return await self._record()
        except asyncio.CancelledError:
            if not self._dropped:
                raise
            return False
        except Exception as error:  # noqa: BLE001  whatever it is, the log must know that there will be no more files
            _log.exception("participant recording failed", id=self.id)
            return await self._tell(failed(error, self._bench.store.root, self._about, self._bench.worker_id))

    async def _record(self) -> bool:
        self._media = media = await self._files.open()
        try:
            self.use(self._source)
            return await self._confirmed() and await self._tell(await self._files.keep(self._run_media(media)))
        finally:
            await self._let_go(media)

    async def _confirmed(self) -> bool:
        """Tell the log that files may begin; False when none is wanted any more."""
        begun = ConfirmParticipantRecording(**self._about, at=moment(self._start_ns), worker_id=self._bench.worker_id)
        return await confirm(self._bench.streams, begun, self._context)

    async def _run_media(self, media: _MediaPath) -> datetime:
        """Move media on until the recording is over, and return its end. Afterwards none is taken in."""
        try:
            # Beside it: the log may be away, and media does not wait until it was told.
            async with supervised(self._tell_flow(media)):
                while not self._is_over(media):
                    await self._bench.watermark.moved(_TICK_SECONDS)
                    await self._move_on(media)
            # It may have been told to end, or to end earlier, while it moved on.
            media.end_at(self._end_ns())
            await media.finish(self._bench.watermark.value_ns)
            return moment(self._end_ns())
        finally:
            await self._let_go(media)
            _log.info("media is over", id=self.id, kind=self._about["kind"], left_out=self._told(media))

    async def _move_on(self, media: _MediaPath) -> None:
        if self._source:
            self._source.tick(wants_keyframe=media.wants_keyframe)
        if self._stop_at:
            media.end_at(self._end_ns())
        await media.advance(self._bench.watermark.value_ns)
        media.expire(now_ns())
        self._tell_waiting(media.waiting)

    async def _tell_flow(self, media: _MediaPath) -> None:
        """Tell the log when packets of a track begin to flow, or do not any more, until this is cancelled.

        What is left out is counted as often.
        """
        tracks = _TRACKS[self._about["kind"]]
        changes = FlowChanges(self._flow)
        while True:
            await asyncio.sleep(_FLOW_SECONDS)
            self._told(media)
            for change in changes.due(now_ns()):
                if change.track in tracks:
                    at = moment(change.at_ns)
                    await self._tell(ReportFlow(**self._about, at=at, track=change.track, flows=change.flows))

    def _told(self, media: _MediaPath) -> dict[str, int]:
        """Count the frames that are left out, and return how many they are by now."""
        counters = asdict(media.counters)
        self._left_out.tell(counters)
        return counters

    def _tell_waiting(self, waiting: Waiting) -> None:
        self._waiting_bytes.tell({"memory": waiting.memory_bytes, "disk": waiting.disk_bytes})
        in_memory, on_disk = waiting.memory_ns / NS_PER_SECOND, waiting.disk_ns / NS_PER_SECOND
        self._waiting_seconds.tell({"memory": in_memory, "disk": on_disk})

    def _is_over(self, media: _MediaPath) -> bool:
        if self._stop_at is None:
            return False
        waited_ns = now_ns() - self._end_ns()
        return media.is_complete(self._bench.watermark.value_ns) or waited_ns > self._patience_ns

    def _end_ns(self) -> int:
        """Where the recording ends: where it was told to, but not before it began."""
        assert self._stop_at is not None
        return max(nanoseconds(self._stop_at), self._start_ns)

    async def _let_go(self, media: _MediaPath) -> None:
        self.use(None)
        self._media = None
        self._tell_waiting(Waiting())
        await media.abort()

    async def _tell(self, command: ParticipantRecordingReport) -> bool:
        return await report(self._bench.streams, command, self._context)
