"""Some participants, recorded in one way for a while: what that took, and what is in the files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.bench.cpu import process_seconds
from services.bench.footprint import proportional_kib
from services.bench.media.recorders import Recorders
from services.bench.media.scale import Bench
from services.bench.media.sending import Sender, Sent, sending

#: Media comes before anybody asks for a recording of it.
_BEFORE_SECONDS = 0.5
#: They are not all begun at once.
_APART_SECONDS = 0.1
#: ffmpeg looks at 5 s of media before it writes any, and then has to catch up.
SETTLE_SECONDS = 3.0
_REST_SECONDS = 2.0
#: What was sent so long before anything was stopped has come to the files.
ON_THE_WAY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Leg:
    participants: int
    #: How much of a core each process took, in percent; and all of them together before the first participant.
    cpu: Sequence[float]
    rest_percent: float
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
        return sum(self.cpu) / self.participants

    @property
    def kib_each(self) -> float:
        return self.added_kib / self.participants


async def record_for_a_while(bench: Bench, recorders: Recorders, count: int) -> Leg:
    """Let so many send, record them, and look into the files when that is over. Raises StartupError."""
    before_kib, rest = proportional_kib(recorders.pids()), await core_percent(recorders.pids(), _REST_SECONDS)
    async with sending(bench.clip) as sender:
        starts = await begin(recorders, sender, range(count))
        await asyncio.sleep(SETTLE_SECONDS)
        pids = recorders.pids()
        cpu = await core_percent(pids, bench.scale.seconds)
        until, added_kib = time.monotonic(), proportional_kib(pids) - before_kib
        await asyncio.sleep(ON_THE_WAY_SECONDS)
        files = await recorders.stop()
        sent = await sender.end()
    frames, lost = await counted(bench, files, sent, until)
    return Leg(count, cpu, sum(rest), added_kib, starts, frames, len(lost), sent)


async def begin(recorders: Recorders, sender: Sender, numbers: range) -> list[float]:
    """Bring so many more, and begin to record them; return the seconds that it took each to be in their file."""
    for _ in numbers:
        await recorders.bring(sender)
    await asyncio.sleep(_BEFORE_SECONDS)
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                tasks.append(group.create_task(recorders.record(number)))
                await asyncio.sleep(_APART_SECONDS)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others say the same
    return [task.result() for task in tasks]


async def counted(bench: Bench, files: Mapping[int, Path], sent: Sent, until: float) -> tuple[int, list[float]]:
    """Return how many frames are in the files, and when each was due that is not there, of those before `until`."""
    recorded = {number: await bench.index.recorded(bench.ffmpeg, file) for number, file in files.items()}
    lost = [moment for number, each in recorded.items() for moment in sent.frames[number].lost(each, until)]
    return sum(map(len, recorded.values())), lost


async def core_percent(pids: Sequence[int], seconds: float) -> list[float]:
    """Return how much of a core each process takes for so long; nothing at once where there is none."""
    if not pids:
        return []
    before, since = [process_seconds(pid) for pid in pids], time.monotonic()
    await asyncio.sleep(seconds)
    after, lasted = [process_seconds(pid) for pid in pids], time.monotonic() - since
    return [100 * (end - start) / lasted for start, end in zip(before, after, strict=True)]
