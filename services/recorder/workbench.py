"""What all recordings of one worker share."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import Keys, Meant, put_in_place
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.media.black import BlackPictures
from services.recorder.media.joining import Join
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.watermark import WatermarkGauge
from shared.contracts.file_timeline import FileTimeline
from shared.contracts.participant_recording import ParticipantRecordingRequested, RecordedFile, TimelineFile

#: Files that are put in place at a time: a meeting's recordings end together, and those of others go on.
_FINISHED_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Workbench:
    worker_id: str
    streams: ParticipantRecordingStreams
    store: LocalObjectStore
    ffmpeg: Path
    watermark: WatermarkGauge
    black: BlackPictures
    disk: SpoolDisk
    _finishing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FINISHED_AT_ONCE))

    async def path(self, key: str) -> Path:
        """Return where the object is or will be, with its folder made."""
        return await asyncio.to_thread(self.store.path, key)

    async def put_in_place(self, keys: Keys, meant: Meant, join: Join | None = None) -> RecordedFile:
        """Make the finished file of its segments when it is its turn. Raises as `finishing` tells."""
        async with self._finishing:
            return await put_in_place(self.ffmpeg, self.store, keys, meant, join)

    async def put_timeline(self, key: str, timeline: FileTimeline) -> TimelineFile:
        """Put a timeline in place. Raises OSError."""
        data = timeline.model_dump_json(indent=2).encode()
        await asyncio.to_thread(self.store.put, key, data)
        return TimelineFile(path=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def about(event: ParticipantRecordingRequested) -> dict[str, Any]:
    """Return what every command to the log says of a recording."""
    return {
        "room_id": event.room_id,
        "session_id": event.session_id,
        "participant_id": event.participant_id,
        "participant_recording_id": event.participant_recording_id,
        "kind": event.kind,
    }
