"""The system that is walked against, a server that walks, and where its webhooks go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from services.demo.media import Clip
from tests.e2e.rest.calls import Calls
from tests.e2e.rest.place import Place
from tests.e2e.rest.server import Server
from tests.e2e.rest.waiting import Waiting
from tests.e2e.signaling.client import Site
from tests.e2e.videosdk.receiver import Receiver, receiver
from tests.support import postgres, servers
from tests.support.elsewhere import elsewhere
from tests.support.rabbitmq import VirtualHosts

_KEY, _SECRET = "walk", "a secret that is made up for the walk through REST alone"
#: The key that takes the other's place.
_NEXT_KEY, _NEXT_SECRET = "next", "another secret that is made up for this walk, and as long"
#: How long is waited for who is not there.
_GRACE_SECONDS = 10


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def place(
    postgres_server: servers.Server, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """One for all tests of a worker. Each test has rooms of its own."""
    folder = tmp_path_factory.mktemp("rest")
    database_url = await postgres.create_database(postgres_server.url)
    try:
        with virtual_hosts.lend() as amqp_url:
            settings = {
                "ONRECORD_DATABASE_URL": database_url,
                "ONRECORD_AMQP_URL": amqp_url,
                "ONRECORD_STORAGE_URL": f"file://{folder}/recordings",
                "ONRECORD_DATA_DIR": str(folder),
                "ONRECORD_API_KEY": _KEY,
                "ONRECORD_API_SECRET": _SECRET,
                "ONRECORD_API_OTHER_KEYS": json.dumps({_NEXT_KEY: _NEXT_SECRET}),
                "ONRECORD_PARTICIPANT_GRACE": str(_GRACE_SECONDS),
                "ONRECORD_WEBHOOK_NETWORKS": "127.0.0.0/8",
            }
            async with Place.up(settings, folder) as place:
                yield place
    finally:
        await postgres.drop_database(postgres_server.url, database_url)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def server(place: Place) -> AsyncIterator[Server]:
    async with httpx.AsyncClient(base_url=place.url, timeout=20, trust_env=False) as http:
        yield Server(http, _KEY, _SECRET, place.storage)


@pytest.fixture(scope="package")
def next_server(server: Server) -> Server:
    """The same server after its key was changed."""
    return Server(server.http, _NEXT_KEY, _NEXT_SECRET, server.storage)


@pytest.fixture(scope="package")
def site(place: Place) -> Site:
    """Where those who join by signaling get in."""
    return Site((place.url,), _KEY, _SECRET)


@pytest_asyncio.fixture(loop_scope="session")
async def calls(server: Server, site: Site, clip: Clip) -> AsyncIterator[Calls]:
    """Rooms with people in them, who hang up and fall silent when the test ends."""
    async with AsyncExitStack() as stack:
        yield Calls(server, site, clip, stack)


@pytest_asyncio.fixture(loop_scope="session")
async def target() -> AsyncIterator[Receiver]:
    """Where webhooks go."""
    async with receiver() as listening:
        yield listening


@pytest_asyncio.fixture(scope="package", loop_scope="session", autouse=True)
async def waiting(server: Server, site: Site) -> AsyncIterator[Waiting]:
    """Used by all, so that what takes long begins with the first test."""
    with elsewhere() as place:
        stack = AsyncExitStack()
        try:
            yield await Waiting.begin(server, site, place, stack)
        finally:
            await place.run(stack.aclose())
