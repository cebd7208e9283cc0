"""Some participants, recorded in one way for a while: what that took, and what is in the files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.bench.cpu import process_seconds
from services.bench.footprint import proportional_kib
from services.bench.media.recorders import Recorders
from services.bench.media.scale import Bench
from services.bench.media.sending import Sender, Sent, sending
from shared.concurrency.supervision import single_error

#: Media comes before anybody asks for a recording of it.
_BEFORE_SECONDS = 0.5
#: They are not all begun at once.
_APART_SECONDS = 0.1
SETTLE_SECONDS = 1.0
#: What was sent so long before anything was stopped has come to the files.
ON_THE_WAY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Leg:
    participants: int
    seconds: float
    #: CPU seconds of each process meanwhile.
    cpu: Sequence[float]
    #: Memory that all processes have, beyond what was there before the first participant.
    added_kib: int
    #: Seconds from the beginning of each recording until what was sent was in its file.
    starts: Sequence[float]
    #: Frames in the files, and frames that are not there and should be.
    frames: int
    lost: int
    sent: Sent

    @property
    def cpu_percent(self) -> float:
        """How much of a core each participant took."""
        return 100 * sum(self.cpu) / self.seconds / self.participants

    @property
    def kib_each(self) -> float:
        return self.added_kib / self.participants


async def record_for_a_while(bench: Bench, recorders: Recorders, count: int) -> Leg:
    """Let so many send, record them, and look into the files when that is over. Raises StartupError."""
    before_kib = proportional_kib(recorders.pids())
    async with sending(bench.clip) as sender:
        starts = await begin(recorders, sender, range(count))
        await asyncio.sleep(SETTLE_SECONDS)
        pids = recorders.pids()
        cpu, since = [process_seconds(pid) for pid in pids], time.monotonic()
        await asyncio.sleep(bench.scale.seconds)
        cpu = [process_seconds(pid) - used for pid, used in zip(pids, cpu, strict=True)]
        until, added_kib = time.monotonic(), proportional_kib(pids) - before_kib
        await asyncio.sleep(ON_THE_WAY_SECONDS)
        files = await recorders.stop()
        sent = await sender.end()
    recorded = [await bench.index.recorded(bench.ffmpeg, file) for file in files]
    lost = [len(each.lost(numbers, until)) for each, numbers in zip(sent.frames, recorded, strict=True)]
    return Leg(count, until - since, cpu, added_kib, starts, sum(map(len, recorded)), sum(lost), sent)


async def begin(recorders: Recorders, sender: Sender, numbers: range) -> list[float]:
    """Bring so many more, and begin to record them; return the seconds that it took each to be in their file."""
    for _ in numbers:
        await recorders.bring(sender)
    await asyncio.sleep(_BEFORE_SECONDS)
    with single_error():
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in numbers:
                tasks.append(group.create_task(recorders.record(number)))
                await asyncio.sleep(_APART_SECONDS)
    return [task.result() for task in tasks]
