"""One recording of one track alone: a file for each stretch of its media, each put in place as soon as it is over."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.participant_recording import (
    ConfirmParticipantRecording,
    FinishTrackFile,
    FinishTrackRecording,
    ParticipantRecordingReport,
)
from services.recorder.finishing import put_in_place
from services.recorder.handlers import RecorderStreams
from services.recorder.keys import TrackKeys
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind
from services.recorder.media.gate import Gate
from services.recorder.media.sources.rtp import RtpSource
from services.recorder.media.track_pipeline import TrackPipeline, WrittenFile
from services.recorder.moments import moment, nanoseconds, now_ns
from services.recorder.reporting import confirm, failed, report
from services.recorder.watermark import WatermarkGauge
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()

#: How often the media path is moved on when no watermark comes.
_TICK_SECONDS = 0.1
#: How long a recording that has ended waits for the watermark: what is not known to be permitted by then is left out.
_LAST_WATERMARK_NS = 10 * NS_PER_SECOND
#: Files that may wait to be put in place; then media waits, in bounded memory.
_MAX_UNFINISHED = 64


class TrackRecordingTask:
    """Runs one recording of one track and reports its files to the log. Media goes on while files are finished."""

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
        assert event.kind != "audio_video"
        self.id = event.participant_recording_id
        #: The room recording it is part of.
        self.recording_id = event.recording_id
        self._kind: Kind = event.kind
        self._event = event
        self._streams = streams
        self._store = store
        self._ffmpeg = ffmpeg
        self._watermark = watermark
        self._worker_id = worker_id
        self._context = context
        self._about: dict[str, Any] = {
            "room_id": event.room_id,
            "session_id": event.session_id,
            "participant_id": event.participant_id,
            "participant_recording_id": event.participant_recording_id,
            "kind": event.kind,
        }
        self._source: RtpSource | None = None
        self._attached = False
        self._stop_at: datetime | None = None
        self._start_ns = now_ns()
        #: Ended files that are not in place yet, in order; None: there will be no more.
        self._written: asyncio.Queue[WrittenFile | None] = asyncio.Queue(_MAX_UNFINISHED)
        self._pipeline = TrackPipeline(self._kind, ffmpeg, gate, self._start_ns, self._segment, self._written.put)
        #: Why media could not be recorded any more, or a file that ended well was not to be finished: the first such.
        self._failure: Exception | None = None

    def use(self, source: RtpSource | None) -> None:
        """Take media from this source from now on; None: there is none."""
        if self._source:
            self._source.detach(self._pipeline.take)
        self._source = source
        if source and self._attached:
            source.attach(self._pipeline.take)

    def stop(self, at: datetime) -> None:
        """Let the recording end at that moment, or at the earliest of several."""
        self._stop_at = min(self._stop_at or at, at)

    async def run(self) -> None:
        """Record until told to stop, put each file in place, and say so; or say what went wrong."""
        try:
            await self._record()
            if self._failure:
                raise self._failure
        except Exception as error:  # noqa: BLE001  whatever it is, the log must know that there will be no more files
            _log.exception("track recording failed", id=self.id)
            await self._give(failed(error, self._store.root, self._about, self._worker_id))

    async def _record(self) -> None:
        """Record, and tell of the end after all files; of what is not wanted any more, nothing."""
        self._attached = True
        self.use(self._source)
        try:
            if not await self._confirmed():
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(self._finish_files())
                await self._run_media()
        finally:
            self._attached = False
            self.use(None)
        if self._failure is None:
            await self._give(FinishTrackRecording(**self._about, at=moment(self._end_ns())))

    async def _confirmed(self) -> bool:
        """Tell the log that files may begin; False when none is wanted any more."""
        begun = ConfirmParticipantRecording(**self._about, at=moment(self._start_ns), worker_id=self._worker_id)
        return await confirm(self._streams, begun, self._context)

    async def _run_media(self) -> None:
        """Write files until the recording is over. A failure is kept for later: what was written is finished first."""
        try:
            while not self._is_over():
                await self._watermark.moved(_TICK_SECONDS)
                await self._move_on()
            # It may have been told to end, or to end earlier, while it moved on.
            self._pipeline.end_at(self._end_ns())
            await self._pipeline.finish(self._watermark.value_ns)
        except Exception as error:  # noqa: BLE001  see above
            self._failure = self._failure or error
        finally:
            await self._pipeline.abort()
        await self._written.put(None)

    async def _move_on(self) -> None:
        if self._source:
            self._source.tick(wants_keyframe=self._pipeline.wants_keyframe)
        if self._stop_at:
            self._pipeline.end_at(self._end_ns())
        await self._pipeline.advance(self._watermark.value_ns)

    def _is_over(self) -> bool:
        if self._stop_at is None:
            return False
        waited_ns = now_ns() - self._end_ns()
        return self._pipeline.is_complete(self._watermark.value_ns) or waited_ns > _LAST_WATERMARK_NS

    def _end_ns(self) -> int:
        """Where the recording ends: where it was told to, but not before it began."""
        assert self._stop_at is not None
        return max(nanoseconds(self._stop_at), self._start_ns)

    async def _finish_files(self) -> None:
        """Put files in place, in order, until there will be no more."""
        while written := await self._written.get():
            try:
                await self._finish(written.begin_ns)
            except Exception as error:  # noqa: BLE001  the files after it are to be finished all the same
                _log.exception("a file of a track cannot be finished", id=self.id, begin_ns=written.begin_ns)
                # Of one that broke off, what is whole may be nothing.
                self._failure = self._failure or (error if written.whole else None)

    async def _finish(self, begin_ns: int) -> None:
        file = await put_in_place(self._ffmpeg, self._store, self._keys(begin_ns), self._kind)
        end = moment(begin_ns + file.duration_ms * NS_PER_MS)
        await self._give(FinishTrackFile(**self._about, at=end, begin=moment(begin_ns), file=file))

    def _segment(self, begin_ns: int) -> Path:
        return self._store.path(self._keys(begin_ns).segment)

    def _keys(self, begin_ns: int) -> TrackKeys:
        about = self._event
        return TrackKeys(about.session_id, about.participant_id, self._kind, begin_ns, about.storage_prefix)

    async def _give(self, command: ParticipantRecordingReport) -> None:
        await report(self._streams, command, self._context)
