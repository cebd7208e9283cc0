"""The running system that the official SDK is let loose on: six processes on real servers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.demo.media import Clip
from tests.e2e.videosdk.place import PUBLIC_URL, Place, settings_of
from tests.e2e.videosdk.receiver import Receiver, receiver
from tests.e2e.videosdk.sdk import Sdk
from tests.e2e.videosdk.server import Server
from tests.support import node, postgres, servers
from tests.support.rabbitmq import VirtualHosts

Options = dict[str, Any]


@pytest.fixture(scope="package")
def packages() -> Path:
    """The folder with the official package in it, as the lock says."""
    return node.packages(Path(__file__).parent)


@asynccontextmanager
async def _place(
    postgres_server: servers.Server, virtual_hosts: VirtualHosts, folder: Path, **more: str
) -> AsyncIterator[Place]:
    database_url = await postgres.create_database(postgres_server.url)
    try:
        with virtual_hosts.lend() as amqp_url:
            settings = settings_of(database_url, amqp_url, folder) | more
            async with Place.running(settings, folder) as place:
                yield place
    finally:
        await postgres.drop_database(postgres_server.url, database_url)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def place(
    postgres_server: servers.Server, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """One set of processes for all tests of a worker. Each test has rooms of its own."""
    async with _place(postgres_server, virtual_hosts, tmp_path_factory.mktemp("videosdk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def own_place(
    postgres_server: servers.Server, virtual_hosts: VirtualHosts, tmp_path: Path
) -> AsyncIterator[Place]:
    """Processes that may be killed; webhooks that failed are posted again soon."""
    more = {"ONRECORD_WEBHOOK_RETRIES": ",".join(["0.25"] * 200), "ONRECORD_PUBLIC_URL": PUBLIC_URL}
    async with _place(postgres_server, virtual_hosts, tmp_path, **more) as running:
        yield running


@pytest.fixture
def client(packages: Path) -> Callable[..., AbstractAsyncContextManager[Sdk]]:
    """Start further SDK clients, with options of their own."""

    def started(place: Place, **options: Any) -> AbstractAsyncContextManager[Sdk]:
        signing = options if "token" in options else {"apiKey": place.api_key, "secret": place.api_secret} | options
        return Sdk.started(packages, apiEndpoint=place.url, **signing)

    return started


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(place: Place, client: Callable[..., AbstractAsyncContextManager[Sdk]]) -> AsyncIterator[Sdk]:
    """A server's client of the SDK."""
    async with client(place) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def target() -> AsyncIterator[Receiver]:
    """Where webhooks go."""
    async with receiver() as listening:
        yield listening


@pytest_asyncio.fixture(loop_scope="session")
async def server(place: Place, sdk: Sdk, clip: Clip) -> AsyncIterator[Server]:
    """A customer's server: it makes rooms, brings people with their media, and asks by the SDK."""
    async with AsyncExitStack() as stack:
        yield Server(place, sdk, clip, stack)


@pytest.fixture
def unique() -> str:
    """A name that no other test has."""
    return secrets.token_hex(4)
