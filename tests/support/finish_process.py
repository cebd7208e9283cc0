"""Finishes a segment in a process of its own, and prints how much memory that took: its own, and its ffmpeg's.

Arguments: the storage root, which holds the segment of KEYS; ffmpeg; and how many seconds were recorded.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import Meant, put_in_place
from services.recorder.keys import RecordingKeys
from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.tags import Tags

KEYS = RecordingKeys("s", "ann", 0)


async def main(root: str, ffmpeg: str, seconds: str) -> None:
    tags = Tags("ann", "abcd-efgh-ijkl", datetime.fromtimestamp(0, UTC))
    meant = Meant("audio_video", tags, None, int(seconds) * NS_PER_SECOND)
    begin = time.monotonic()
    file = await put_in_place(Path(ffmpeg), LocalObjectStore(Path(root)), KEYS, meant)
    json.dump({"seconds": time.monotonic() - begin, "kib": most_memory(), "file": file.model_dump()}, sys.stdout)


def most_memory() -> int:
    """Return the most KiB that this process and any one child of it held at a time, together."""
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
