"""A recorder in a process of its own, as far as it makes merges: until somebody ends it.

Arguments: the log's database, the storage root, ffmpeg, and the worker's name.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.merging.maker import MergeMaker
from services.recorder.merging.merger import Merger
from services.recorder.merging.streams import MergeStreams
from shared.concurrency.clock import utc_now
from shared.eventsourcing.codec import decode
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import open_log


async def main(url: str, root: str, ffmpeg: str, worker_id: str) -> None:
    async with open_log(url) as pool:
        log = PostgresEventStore(pool)
        maker = MergeMaker(log, LocalObjectStore(Path(root)), Path(ffmpeg), worker_id)
        merger = Merger(MergeStreams(log), maker, worker_id, utc_now)
        for stored in await log.read_all(limit=1000):
            merger.apply(decode(stored), stored)
        await merger.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
