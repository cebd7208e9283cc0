"""Finished files from the store, whole or in ranges (RFC 9110 section 14)."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from starlette.responses import FileResponse

from shared.eventsourcing.decider import RefusedError

#: By the ending of its name, and whether there is a picture in it.
_MEDIA_TYPES = {
    (".webm", True): "video/webm",
    (".webm", False): "audio/webm",
    (".mp3", False): "audio/mpeg",
    (".mp4", True): "video/mp4",
    (".json", False): "application/json",
}


class FileNotFoundInStoreError(RefusedError):
    """There is no such file, or not yet, or not any more."""

    code = "file_not_found"

    def __init__(self, owner_id: str, index: int) -> None:
        super().__init__(f"{owner_id} has no file {index}: it is not finished, or it was deleted")
        self.owner_id = owner_id
        self.index = index


class TimelineNotFoundError(RefusedError):
    """There is no timeline, or not yet, or not any more."""

    code = "file_not_found"

    def __init__(self, recording_id: str) -> None:
        super().__init__(f"recording {recording_id} has no timeline: its file is not finished, or older than timelines")
        self.recording_id = recording_id


class StoredFiles:
    """Files below the storage root, and nothing else."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def response(self, key: str, *, has_picture: bool) -> FileResponse | None:
        """Return what sends the object; None when it is not there, or the key leads out of the root."""
        found = await asyncio.to_thread(self._find, key)
        if found is None:
            return None
        path, status = found
        media_type = _MEDIA_TYPES.get((path.suffix, has_picture))
        return FileResponse(path, media_type=media_type, filename=path.name, stat_result=status)

    def _find(self, key: str) -> tuple[Path, os.stat_result] | None:
        try:
            path = (self._root / key).resolve()
            status = path.stat()
        except (OSError, ValueError, RuntimeError):  # nothing there; no name for a file; links that go in a circle
            return None
        is_ours = path.is_relative_to(self._root.resolve()) and stat.S_ISREG(status.st_mode)
        return (path, status) if is_ours else None
