"""The processes that are walked against: two gateways, consent, recorder and relay, on real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.signaling.client import Site
from tests.e2e.signaling.room import Room
from tests.e2e.signaling.waiting import Waiting
from tests.support import postgres
from tests.support.command import onrecord
from tests.support.elsewhere import elsewhere
from tests.support.processes import ServiceProcess
from tests.support.rabbitmq import VirtualHosts
from tests.support.servers import Server

_KEY, _SECRET = "conformance", "a secret that is made up for the conformance walk alone"


@dataclass(frozen=True, slots=True)
class Processes:
    gateways: tuple[ServiceProcess, ServiceProcess]
    consent: ServiceProcess
    recorder: ServiceProcess
    relay: ServiceProcess
    settings: dict[str, str]
    folder: Path

    @property
    def all(self) -> tuple[ServiceProcess, ...]:
        return (*self.gateways, self.consent, self.recorder, self.relay)

    async def replay(self, options: str) -> dict[str, Any]:
        """Return the states by stream, made from the log alone by the command that audits use."""
        done = await asyncio.to_thread(onrecord, f"replay --json {options}", self.settings, self.folder)
        assert done.returncode == 0, done.stderr
        states = json.loads(done.stdout)["states"]
        return {stream: state for streams in states.values() for stream, state in streams.items()}


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def processes(
    postgres_server: Server, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Processes]:
    """One set for all tests of a worker. Each test has rooms of its own."""
    folder = tmp_path_factory.mktemp("signaling")
    database_url = await postgres.create_database(postgres_server.url)
    try:
        with virtual_hosts.lend() as amqp_url:
            settings = {
                "ONRECORD_DATABASE_URL": database_url,
                "ONRECORD_AMQP_URL": amqp_url,
                "ONRECORD_STORAGE_URL": f"file://{folder}/recordings",
                "ONRECORD_API_KEY": _KEY,
                "ONRECORD_API_SECRET": _SECRET,
            }
            running = _processes(settings, folder)
            try:
                async with asyncio.TaskGroup() as group:
                    for process in running.all:
                        group.create_task(process.start())
                yield running
            finally:
                await asyncio.gather(*(process.stop() for process in running.all if process.is_started))
    finally:
        await postgres.drop_database(postgres_server.url, database_url)


def _processes(settings: dict[str, str], folder: Path) -> Processes:
    def process(name: str, log: str | None = None) -> ServiceProcess:
        return ServiceProcess(name, settings, folder / f"{log or name}.log")

    gateways = process("gateway", "first-gateway"), process("gateway", "second-gateway")
    return Processes(gateways, process("consent"), process("recorder"), process("relay"), settings, folder)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(processes: Processes) -> Site:
    return Site(tuple(gateway.url for gateway in processes.gateways), _KEY, _SECRET)


@pytest_asyncio.fixture(loop_scope="session")
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What ends with the test: connections."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def room(site: Site, stack: AsyncExitStack) -> Room:
    return Room(site, await site.create_room(), stack)


@pytest_asyncio.fixture(scope="package", loop_scope="session", autouse=True)
async def waiting(site: Site) -> AsyncIterator[Waiting]:
    """Used by all, so that what takes long begins with the first test."""
    with elsewhere() as place:
        stack = AsyncExitStack()
        try:
            yield await place.run(Waiting.begin(site, place, stack))
        finally:
            await place.run(stack.aclose())
