"""The life of a service process: start, run until told to stop, end in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import uvloop

from shared.eventsourcing.errors import EventSourcingError
from shared.runtime.collector import collect_seldom
from shared.runtime.errors import StartupError
from shared.runtime.logging import configure_logging
from shared.runtime.settings import Settings, load_settings

AnySettings = TypeVar("AnySettings", bound=Settings)


def main(
    service: str, kind: type[AnySettings], running: Callable[[AnySettings], AbstractAsyncContextManager[object]]
) -> None:
    """Run one service as this process. What keeps it from starting, or from going on, is one sentence on stderr."""
    try:
        settings = load_settings(kind)
        keep_to_owner()
        configure_logging(service, as_json=settings.log_json, level=settings.log_level)
        run_process(running(settings))
    except (StartupError, EventSourcingError) as error:
        sys.exit(f"onrecord: {error}")


def keep_to_owner() -> None:
    """Let this user alone read what this process writes, and what ffmpeg does for it: recordings are of people."""
    os.umask(0o077)


def run_process(service: AbstractAsyncContextManager[object]) -> None:
    """Run a service until SIGINT or SIGTERM. Raises StartupError when it could not start."""
    uvloop.run(_until_stopped(service))


@asynccontextmanager
async def stop_signal() -> AsyncIterator[asyncio.Event]:
    """Yield an event that SIGINT or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def unless_stopped(stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Give up what is begun within when told to stop before the yielded event says that it has started."""
    task, started = asyncio.current_task(), asyncio.Event()
    assert task is not None
    given_up = False

    async def watch() -> None:
        nonlocal given_up
        await stop.wait()
        if not started.is_set():
            given_up = task.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield started
    except asyncio.CancelledError:
        if not given_up or task.uncancel():
            raise
    finally:
        watching.cancel()


async def _until_stopped(service: AbstractAsyncContextManager[object]) -> None:
    async with stop_signal() as stop, unless_stopped(stop) as started, service:
        started.set()
        collect_seldom()
        await stop.wait()
