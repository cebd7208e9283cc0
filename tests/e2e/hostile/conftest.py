"""One gateway as a process, with the other services, and two rooms: one that is attacked, and another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from shared.eventsourcing.store import EventStore
from tests.e2e.hostile.bystanders import undisturbed
from tests.e2e.hostile.gateway import Gateway
from tests.e2e.signaling.client import Site
from tests.e2e.signaling.room import Room
from tests.support import postgres
from tests.support.processes import ServiceProcess
from tests.support.rabbitmq import VirtualHosts
from tests.support.servers import Server

_KEY, _SECRET = "hostile", "a secret that is made up for hostile input alone"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def gateway(
    postgres_server: Server, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """The one that is attacked, for all tests of a worker. Each test has rooms of its own."""
    folder = tmp_path_factory.mktemp("hostile")
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
            names = ("gateway", "consent", "recorder", "relay")
            processes = {name: ServiceProcess(name, settings, folder / f"{name}.log") for name in names}
            try:
                async with asyncio.TaskGroup() as group:
                    for process in processes.values():
                        group.create_task(process.start())
                async with Gateway.watched(processes["gateway"], database_url, folder) as watched:
                    yield watched
            finally:
                for process in processes.values():
                    if process.is_started:
                        await process.stop()
    finally:
        await postgres.drop_database(postgres_server.url, database_url)


@pytest.fixture
def store(gateway: Gateway) -> EventStore:
    return gateway.store


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(gateway: Gateway) -> Site:
    return Site((gateway.url,), _KEY, _SECRET)


@pytest_asyncio.fixture(loop_scope="session")
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What ends with the test: connections."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def room(site: Site, stack: AsyncExitStack, gateway: Gateway) -> AsyncIterator[Room]:
    """The room that is attacked. In it and in another one people go on all the while, and must not notice.

    Nor may anybody find a traceback in the log.
    """
    attacked, elsewhere = [Room(site, await site.create_room(), stack) for _ in range(2)]
    with gateway.no_errors_logged():
        async with undisturbed(attacked, elsewhere):
            yield attacked
        await stack.aclose()  # what is logged when connections end belongs to this test


@pytest_asyncio.fixture(loop_scope="session")
async def keeping_room(site: Site, stack: AsyncExitStack, gateway: Gateway) -> AsyncIterator[Room]:
    """A room that keeps consent over leaving."""
    with gateway.no_errors_logged():
        yield Room(site, await site.create_room(consentPolicy="keep"), stack)
        await stack.aclose()
