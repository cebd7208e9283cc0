"""The files of a recording of one track alone: one for each stretch of its media."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import structlog

from services.recorder.domain.participant_recording import (
    FinishTrackFile,
    FinishTrackRecording,
    ParticipantRecordingReport,
)
from services.recorder.finishing import Meant
from services.recorder.keys import TrackKeys
from services.recorder.media.frame import NS_PER_MS, Kind
from services.recorder.media.gate import Gate
from services.recorder.media.tags import Tags
from services.recorder.media.track_pipeline import TrackPipeline, WrittenFile
from services.recorder.moments import moment
from services.recorder.workbench import Workbench, about
from shared.contracts.participant_recording import ParticipantRecordingRequested

_log = structlog.get_logger()

#: Files that may wait to be put in place; then media waits, within its bound.
_MAX_UNFINISHED = 64

Tell = Callable[[ParticipantRecordingReport], Awaitable[bool]]


class TrackFiles:
    """Puts each file in place as soon as it is over, and tells the log of it, while media goes on."""

    def __init__(
        self, event: ParticipantRecordingRequested, bench: Workbench, gate: Gate, start_ns: int, tell: Tell
    ) -> None:
        assert event.kind != "audio_video"
        self._kind: Kind = event.kind
        self._event = event
        self._bench = bench
        self._gate = gate
        self._start_ns = start_ns
        self._tell = tell
        #: When files began, finished or not.
        self._begun: list[int] = []
        #: Ended files that are not in place yet, in order; None: there will be no more.
        self._written: asyncio.Queue[WrittenFile | None] = asyncio.Queue(_MAX_UNFINISHED)
        #: Whether any file is in its place.
        self._finished = False
        #: Why media could not be recorded any more, or a file that ended well was not to be finished: the first such.
        self._failure: Exception | None = None

    async def open(self) -> TrackPipeline:
        """Be ready to take media in. The folder is made even if there comes none: without it the store is not there."""
        await self._bench.path(self._keys(self._start_ns).segment)
        bench, segment, written = self._bench, self._segment, self._written.put
        self._media = TrackPipeline(self._kind, bench.ffmpeg, self._gate, self._start_ns, bench.disk, segment, written)
        return self._media

    async def keep(self, ended: Awaitable[datetime]) -> FinishTrackRecording:
        """Put files in place until `ended` has told the end; return what the log is to be told after all of them."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._finish_files())
            end = await self._until(ended)
        if failure := self._failure or (None if self._finished else self._media.failure):
            raise failure
        assert end is not None
        return FinishTrackRecording(**about(self._event), at=end)

    async def discard(self) -> None:
        """Leave nothing: it is not wanted."""
        for begin_ns in self._begun:
            remains = self._keys(begin_ns).remains_until(begin_ns)
            await asyncio.to_thread(self._bench.store.sweep, remains.folder, remains.include)

    async def _until(self, ended: Awaitable[datetime]) -> datetime | None:
        """Wait for the end. A failure is kept for later: what was written is finished first."""
        end = None
        try:
            end = await ended
        except Exception as error:  # noqa: BLE001  see above
            self._failure = self._failure or error
        await self._written.put(None)
        return end

    async def _finish_files(self) -> None:
        """Put files in place, in order, until there will be no more."""
        while written := await self._written.get():
            try:
                await self._finish(written)
            except Exception as error:  # noqa: BLE001  the files after it are to be finished all the same
                _log.exception("a file of a track cannot be finished", begin_ns=written.begin_ns)
                # Of one that broke off, what is whole may be nothing.
                self._failure = self._failure or (error if written.whole else None)

    async def _finish(self, written: WrittenFile) -> None:
        begin = moment(written.begin_ns)
        tags = Tags(self._event.participant_id, self._event.room_id, begin)
        meant = Meant(self._kind, tags, written.blocks if written.whole else None)
        file = await self._bench.put_in_place(self._keys(written.begin_ns), meant)
        self._finished = True
        end = moment(written.begin_ns + file.duration_ms * NS_PER_MS)
        await self._tell(FinishTrackFile(**about(self._event), at=end, begin=begin, file=file))

    async def _segment(self, begin_ns: int) -> Path:
        self._begun.append(begin_ns)
        return await self._bench.path(self._keys(begin_ns).segment)

    def _keys(self, begin_ns: int) -> TrackKeys:
        asked = self._event
        return TrackKeys(asked.session_id, asked.participant_id, self._kind, begin_ns, asked.storage_prefix)
