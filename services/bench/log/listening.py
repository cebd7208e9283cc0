"""Listeners and the relay: as processes of their own where there is a broker, else in this one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol
from uuid import UUID

from services.bench.ground import Log
from services.bench.log.listener import named_queue
from services.bench.log.moments import Heard, hearing
from services.relay.relay import Relay
from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.messaging.in_process import InProcessBus
from shared.runtime.errors import StartupError

QUEUES = "live", "shared"

_START_SECONDS = 20
_STOP_SECONDS = 20
#: For what is still on its way when the last event was appended.
_LAST_SECONDS = 20

#: Returns, queue by queue, what was heard, once that is all or nobody waits any longer.
Told = Callable[[], Awaitable[Mapping[str, Heard]]]


class Audience(Protocol):
    """Where events are relayed to."""

    def listening(self, streams: str, count: int) -> AbstractAsyncContextManager[Told]:
        """Listen to so many events of streams whose names begin like this, at every queue."""
        ...


class HereAudience:
    """On a bus within this process."""

    def __init__(self, bus: InProcessBus) -> None:
        self._bus = bus

    @asynccontextmanager
    async def listening(self, streams: str, count: int) -> AsyncIterator[Told]:
        heard: dict[str, Heard] = {name: {} for name in QUEUES}
        complete = {name: asyncio.Event() for name in QUEUES}

        async def told() -> Mapping[str, Heard]:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await asyncio.gather(*(each.wait() for each in complete.values()))
            return heard

        async with AsyncExitStack() as stack:
            for name in QUEUES:
                handler = hearing(heard[name], streams, count, complete[name])
                await stack.enter_async_context(self._bus.subscribe(named_queue(name), handler))
            yield told


class ElsewhereAudience:
    """Processes that listen at RabbitMQ, one for each queue."""

    def __init__(self, amqp_url: str) -> None:
        self._environment = {"ONRECORD_AMQP_URL": amqp_url}

    @asynccontextmanager
    async def listening(self, streams: str, count: int) -> AsyncIterator[Told]:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onrecord-bench-")))
            processes = []
            for name in QUEUES:
                arguments = ("services.bench.log.listener", name, streams, str(count), str(folder / name))
                process = await stack.enter_async_context(_process(arguments, self._environment))
                await _first_line(process)
                processes.append(process)

            async def told() -> Mapping[str, Heard]:
                await asyncio.gather(*(_ended(process, _LAST_SECONDS) for process in processes))
                return {name: _read(folder / name) for name in QUEUES}

            yield told


@asynccontextmanager
async def relayed(log: Log, amqp_url: str | None) -> AsyncIterator[Audience]:
    """Run the relay on this log."""
    if amqp_url is None:
        bus = InProcessBus()
        async with supervised(Relay(log.store, bus, log.pool, utc_now).run()):
            yield HereAudience(bus)
        await bus.close()
        return
    environment = {
        "ONRECORD_DATABASE_URL": log.url,
        "ONRECORD_AMQP_URL": amqp_url,
        "ONRECORD_HTTP_PORT": "0",
        "ONRECORD_LOG_LEVEL": "warning",
    }
    async with _process(("services.relay",), environment):
        yield ElsewhereAudience(amqp_url)


@asynccontextmanager
async def _process(module: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, env={**os.environ, **environment}, stdout=PIPE
    )
    try:
        yield process
    finally:
        await _ended(process, 0)


async def _first_line(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(_START_SECONDS):
        if not await process.stdout.readline():
            raise StartupError("a process that listens has ended before its time: its last words are above")


async def _ended(process: Process, patience: float) -> None:
    """Give the process so long to end by itself, ask it to, and end it."""
    for wait, ask in ((patience, process.terminate), (_STOP_SECONDS, process.kill)):
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await process.wait()
            return
        with suppress(ProcessLookupError):
            ask()
    await process.wait()


def _read(file: Path) -> Heard:
    return {UUID(hex=event_id): moment for event_id, moment in json.loads(file.read_text()).items()}
