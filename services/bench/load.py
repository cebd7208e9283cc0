"""Clients that do their work again and again for a while, and what that took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.bench.cpu import CpuMeter, CpuSeconds
from shared.concurrency.supervision import single_error

#: Does one piece of work and returns how many events that were.
Client = Callable[[], Awaitable[int]]
#: Returns when so many events are where they belong.
Finish = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Work:
    """What was done."""

    events: int
    #: From the first client's beginning until everything was finished.
    seconds: float
    cpu: CpuSeconds
    #: How long each piece of work took, in seconds.
    times: Sequence[float]

    @property
    def rate(self) -> float:
        return self.events / self.seconds


async def at_once(count: int) -> None:
    """Finish at once: what the clients did is where it belongs."""


async def worked(clients: Sequence[Client], seconds: float, meter: CpuMeter, finish: Finish = at_once) -> Work:
    """Let the clients work side by side for so long, and each end what it has begun."""
    times: list[float] = []
    cpu, begin = meter.read(), time.perf_counter()
    with single_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_repeated(client, begin + seconds, times)) for client in clients]
    events = sum(task.result() for task in tasks)
    await finish(events)
    return Work(events, time.perf_counter() - begin, meter.read().since(cpu), times)


async def _repeated(client: Client, end: float, times: list[float]) -> int:
    events, begin = 0, time.perf_counter()
    while begin < end:
        events += await client()
        now = time.perf_counter()
        times.append(now - begin)
        begin = now
    return events
