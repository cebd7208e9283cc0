"""The one file of a recording of sound and picture."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path

import structlog

from services.recorder.domain.participant_recording import FinishParticipantRecording
from services.recorder.finishing import Meant
from services.recorder.keys import RecordingKeys
from services.recorder.media.flow import SenderFlow
from services.recorder.media.gate import Gate
from services.recorder.media.joining import Join
from services.recorder.media.pipeline import Pipeline
from services.recorder.media.segments import Segments
from services.recorder.media.tags import Tags
from services.recorder.moments import moment, nanoseconds
from services.recorder.timeline import timeline
from services.recorder.workbench import Workbench, about
from shared.contracts.gaps import FileGaps
from shared.contracts.participant_recording import ParticipantRecordingRequested, RecordedFile, TimelineFile
from shared.eventsourcing.insisting import until_answered

_log = structlog.get_logger()


class WholeFile:
    """Written from the beginning of the recording to its end, and put in place then."""

    def __init__(
        self, event: ParticipantRecordingRequested, bench: Workbench, gate: Gate, flow: SenderFlow, start_ns: int
    ) -> None:
        self._event = event
        self._bench = bench
        self._gate = gate
        self._flow = flow
        self._start_ns = start_ns
        self._keys = RecordingKeys(event.session_id, event.participant_id, start_ns, event.storage_prefix)

    async def open(self) -> Pipeline:
        """Be ready to take media in."""
        segments = await Segments.start(self._bench.ffmpeg, self._segment, _log)
        self._pipeline = Pipeline(self._bench.black, self._gate, segments, self._start_ns, self._bench.disk)
        return self._pipeline

    async def keep(self, ended: Awaitable[datetime]) -> FinishParticipantRecording:
        """Put the file in place when `ended` has told its end; return what the log is to be told."""
        end = await ended
        join = await self._pipeline.join()
        file = await self._bench.put_in_place(self._keys, self._meant(end, join), join)
        gaps = self._pipeline.gaps(self._flow, join)
        beside = await self._put_timeline(end, file, gaps)
        return FinishParticipantRecording(**about(self._event), at=end, file=file, gaps=gaps, timeline=beside)

    async def discard(self) -> None:
        """Leave nothing: it is not wanted."""
        remains = self._keys.remains
        await asyncio.to_thread(self._bench.store.sweep, remains.folder, remains.include)

    async def _segment(self, number: int) -> Path:
        return await self._bench.path(self._keys.nth_segment(number))

    def _meant(self, end: datetime, join: Join | None) -> Meant:
        tags = Tags(self._event.participant_id, self._event.room_id, moment(self._start_ns))
        written = None if join else self._pipeline.written
        return Meant("audio_video", tags, written, nanoseconds(end) - self._start_ns)

    async def _put_timeline(self, end: datetime, file: RecordedFile, gaps: FileGaps) -> TimelineFile | None:
        """Put the timeline beside the file. A file is not given up because there is no room for one."""
        log = await until_answered(lambda: self._bench.streams.places(self._event), "places for a timeline")
        told = timeline(self._event, (moment(self._start_ns), end), file, gaps, self._flow.skew_ns, log)
        try:
            return await self._bench.put_timeline(self._keys.timeline, told)
        except OSError:
            _log.exception("a file has no timeline", path=file.path)
            return None
