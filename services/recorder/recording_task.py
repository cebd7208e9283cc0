"""One participant recording, from the first frame to the file in its place."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    FinishParticipantRecording,
    ParticipantRecordingReport,
)
from services.recorder.finishing import put_in_place
from services.recorder.handlers import RecorderStreams
from services.recorder.keys import RecordingKeys
from services.recorder.media.ffmpeg import WebmWriter
from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.gate import Gate
from services.recorder.media.pipeline import Pipeline
from services.recorder.media.sources.rtp import RtpSource
from services.recorder.moments import moment, nanoseconds, now_ns
from services.recorder.reporting import confirm, failed, report
from services.recorder.watermark import WatermarkGauge
from shared.contracts.participant_recording import ParticipantRecordingRequested, RecordedFile
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()

#: How often the media path is moved on when no watermark comes.
_TICK_SECONDS = 0.1
#: How long a file that has ended waits for the watermark: what is not known to be permitted by then is left out.
_LAST_WATERMARK_NS = 10 * NS_PER_SECOND


class RecordingTask:
    """Runs one participant recording and reports it to the log."""

    def __init__(
        self,
        event: ParticipantRecordingRequested,
        streams: RecorderStreams,
        store: LocalObjectStore,
        ffmpeg: Path,
        watermark: WatermarkGauge,
        gate: Gate,
        worker_id: str,
        context: Context,
    ) -> None:
        self.id = event.participant_recording_id
        #: The room recording it is part of; None: a server asked for it.
        self.recording_id = event.recording_id
        self._streams = streams
        self._store = store
        self._ffmpeg = ffmpeg
        self._watermark = watermark
        self._gate = gate
        self._worker_id = worker_id
        self._context = context
        self._about: dict[str, Any] = {
            "room_id": event.room_id,
            "session_id": event.session_id,
            "participant_id": event.participant_id,
            "participant_recording_id": event.participant_recording_id,
        }
        self._source: RtpSource | None = None
        self._pipeline: Pipeline | None = None
        self._stop_at: datetime | None = None
        self._start_ns = now_ns()
        self._keys = RecordingKeys(event.session_id, event.participant_id, self._start_ns, event.storage_prefix)

    def use(self, source: RtpSource | None) -> None:
        """Take media from this source from now on; None: there is none."""
        if self._source and self._pipeline:
            self._source.detach(self._pipeline.take)
        self._source = source
        if source and self._pipeline:
            source.attach(self._pipeline.take)

    def stop(self, at: datetime) -> None:
        """Let the file end at that moment, or at the earliest of several."""
        self._stop_at = min(self._stop_at or at, at)

    async def run(self) -> None:
        """Record until told to stop, put the file in place, and say so; or say what went wrong."""
        try:
            file = await self._record()
            if file:
                end = moment(self._end_ns())
                await self._give(FinishParticipantRecording(**self._about, at=end, file=file))
        except Exception as error:  # noqa: BLE001  whatever it is, the log must know that there will be no file
            _log.exception("participant recording failed", id=self.id)
            await self._give(failed(error, self._store.root, self._about, self._worker_id))
        finally:
            self.use(None)

    async def _record(self) -> RecordedFile | None:
        segment = self._store.path(self._keys.segment)
        writer = await WebmWriter.start(self._ffmpeg, segment, _log)
        if await self._write(Pipeline(self._ffmpeg, self._gate, writer, self._start_ns)):
            return await put_in_place(self._ffmpeg, self._store, self._keys, "audio_video")
        self._store.delete(self._keys.segment)
        return None

    async def _write(self, pipeline: Pipeline) -> bool:
        """Write the segment; False when it is not wanted any more. Afterwards no media is taken in."""
        self._pipeline = pipeline
        try:
            self.use(self._source)
            wanted = await self._confirmed()
            if wanted:
                await self._run_media(pipeline)
            return wanted
        finally:
            self.use(None)
            self._pipeline = None
            await pipeline.abort()

    async def _confirmed(self) -> bool:
        """Tell the log that the file begins; False when it is not wanted any more."""
        begun = ConfirmParticipantRecording(**self._about, at=moment(self._start_ns), worker_id=self._worker_id)
        return await confirm(self._streams, begun, self._context)

    async def _run_media(self, pipeline: Pipeline) -> None:
        while not self._is_over(pipeline):
            await self._watermark.moved(_TICK_SECONDS)
            if self._source:
                self._source.tick(wants_keyframe=pipeline.wants_keyframe)
            if self._stop_at:
                pipeline.end_at(self._end_ns())
            await pipeline.advance(self._watermark.value_ns)
        # It may have been told to end, or to end earlier, while it advanced.
        pipeline.end_at(self._end_ns())
        await pipeline.finish(self._watermark.value_ns)

    def _is_over(self, pipeline: Pipeline) -> bool:
        if self._stop_at is None:
            return False
        waited_ns = now_ns() - self._end_ns()
        return pipeline.is_complete(self._watermark.value_ns) or waited_ns > _LAST_WATERMARK_NS

    def _end_ns(self) -> int:
        """Where the file ends: where it was told to, but not before it began."""
        assert self._stop_at is not None
        return max(nanoseconds(self._stop_at), self._start_ns)

    async def _give(self, command: ParticipantRecordingReport) -> None:
        await report(self._streams, command, self._context)
