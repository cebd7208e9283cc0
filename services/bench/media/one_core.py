"""How many participants one core records without losing a frame."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from services.bench.cpu import pin
from services.bench.figures import Figure, Goal
from services.bench.footprint import proportional_kib
from services.bench.media.clip import read_clip
from services.bench.media.first_media import keyframe_heads
from services.bench.media.leg import ON_THE_WAY_SECONDS, SETTLE_SECONDS, begin, core_percent, counted
from services.bench.media.recorded_room import RecordedRoom, recorded_room
from services.bench.media.scale import Bench
from services.bench.media.sending import Sender, Sent, sending
from services.bench.processes import ServiceProcess
from services.bench.system import System, running_system
from shared.runtime.errors import StartupError

#: So many come together; the next when these are recorded.
_AT_ONCE = 10
_GOAL = Goal("value", "at least", 100)
#: Of the core. With more participants than it bears, all of them wait, and files fail that were good by then.
_FULL_PERCENT = 100
_LOST = re.compile(r'^onrecord_media_packets_total\{[^}]*fate="lost"[^}]*\} (\S+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Level:
    """So many participants were recorded up to `end`, by the monotonic clock."""

    participants: int
    end: float
    #: How much of the core the worker and its ffmpegs used meanwhile, in percent.
    core_percent: float
    #: What they had in memory.
    kib: int


async def measure_one_core(bench: Bench) -> list[Figure]:
    """Have the worker and its ffmpegs on one core, all else on the others, and let more and more participants come."""
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        bench.say("one core: left out, as this machine has only one, and the sender needs another")
        return []
    heads = keyframe_heads(read_clip(bench.clip))
    async with running_system(bench.ground, 1) as system, recorded_room(system, heads) as room:
        worker = system.behind["recorder"]
        async with sending(bench.clip) as sender:
            with _divided(cores, system, sender):
                levels = await _grow(bench, worker, room, sender)
                until = time.monotonic()
                await asyncio.sleep(ON_THE_WAY_SECONDS)
            # First: a worker that was full has hardly any time to end files while more comes.
            sent = await sender.end()
        files = await room.stop()
        bench.say(f"one core: counting the frames of {len(files)} files")
        frames, lost = await counted(bench, files, sent, until)
    return [one_core_figure(levels, len(files), frames, lost, sent)]


@contextmanager
def _divided(cores: Collection[int], system: System, sender: Sender) -> Iterator[None]:
    """Give the first core to the worker alone; its ffmpegs are where it is, as it starts them."""
    first, *others = sorted(cores)
    beside = [gateway.process.pid for gateway in system.gateways]
    beside += [process.pid for name, process in system.behind.items() if name != "recorder"]
    for pid in (os.getpid(), sender.pid, *beside):
        pin(pid, others)
    worker = system.behind["recorder"].pid
    pin(worker, [first])
    try:
        yield
    finally:
        for pid in (os.getpid(), worker):
            pin(pid, cores)


async def _grow(bench: Bench, worker: ServiceProcess, room: RecordedRoom, sender: Sender) -> Sequence[Level]:
    """Let more come until packets are lost, no more have room or are taken, or as many are there as shall be."""
    levels: list[Level] = []
    for count in bench.scale.levels:
        if levels and levels[-1].core_percent / levels[-1].participants * count > _FULL_PERCENT:
            bench.say(f"one core: it has no room for {count}")
            break
        bench.say(f"one core: {count} participants")
        try:
            await _fill(room, sender, range(levels[-1].participants if levels else 0, count))
        except StartupError as error:
            bench.say(f"one core: no more are taken: {error}")
            break
        levels.append(await _hold(room, count, bench.scale.hold_seconds))
        if await _lost_packets(worker):
            break
    return levels


async def _fill(room: RecordedRoom, sender: Sender, numbers: range) -> None:
    """Have so many more recorded. Raises StartupError when one of them is refused, or has nothing in their file."""
    for first in range(numbers.start, numbers.stop, _AT_ONCE):
        await begin(room, sender, range(first, min(first + _AT_ONCE, numbers.stop)))
    await asyncio.sleep(SETTLE_SECONDS)


async def _hold(room: RecordedRoom, count: int, seconds: float) -> Level:
    pids = room.pids()
    used = await core_percent(pids, seconds)
    return Level(count, time.monotonic(), sum(used), proportional_kib(pids))


async def _lost_packets(worker: ServiceProcess) -> float:
    """Return how many the worker says were lost. It may be so busy that it says so late."""
    async with httpx.AsyncClient(trust_env=False, timeout=None) as http:  # noqa: S113
        return sum(map(float, _LOST.findall((await http.get(f"{worker.url}/metrics")).text)))


def one_core_figure(levels: Sequence[Level], files: int, frames: int, lost: Sequence[float], sent: Sent) -> Figure:
    """Tell the last level at whose end nothing had been lost yet; `lost` is when each lost frame was due."""
    held = [level for level in levels if not lost or level.end < min(lost)]
    best = held[-1] if held else Level(0, 0, 0, 0)
    details = {
        "most that were tried": levels[-1].participants if levels else 0,
        "recorded at once in the end": files,
        "frames recorded": frames,
        "frames lost": len(lost),
        "of the core used, %": best.core_percent,
        "CPU for each, % of a core": best.core_percent / max(best.participants, 1),
        "memory for each, all included, MiB": best.kib / 1024 / max(best.participants, 1),
        "sent late, p99, ms": sent.late_p99_ms,
    }
    rounds = [best.participants]
    return Figure("one core, no frame lost", "recorded at once", "participants", rounds, goal=_GOAL, details=details)
