"""All services as processes of their own, to be killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from services.bench.processes import ServiceProcess, free_port

__all__ = ["SERVICES", "ServiceProcess", "all_services", "free_port"]

SERVICES = ("relay", "consent", "recorder", "notifier", "audit", "gateway")


@asynccontextmanager
async def all_services(settings: Mapping[str, str], logs: Path) -> AsyncIterator[dict[str, ServiceProcess]]:
    """Run all services, each in its process; stop them in the end."""
    processes = {name: ServiceProcess(name, settings, logs / f"{name}.log") for name in SERVICES}
    try:
        async with asyncio.TaskGroup() as group:
            for process in processes.values():
                group.create_task(process.start())
        yield processes
    finally:
        for name in reversed(SERVICES):
            if processes[name].is_started:
                await processes[name].stop()
