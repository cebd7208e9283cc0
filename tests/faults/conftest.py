"""Servers that a test may stop and kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.postgres import create_database, drop_database
from tests.support.private_postgres import PrivatePostgres, private_postgres
from tests.support.private_rabbitmq import PrivateRabbitMq, private_rabbitmq
from tests.support.servers import NotHereError, Server

#: Made in one call, which takes half a second; no more are used in one session.
_VIRTUAL_HOSTS = 24


@pytest.fixture(scope="session")
def _broker(rabbitmq_server: Server) -> Iterator[tuple[PrivateRabbitMq, list[str]]]:
    # The server of all tests is asked for first: on a bare machine that installs the programs.
    try:
        with private_rabbitmq() as broker:
            yield broker, broker.create_virtual_hosts(_VIRTUAL_HOSTS)
    except NotHereError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def _cluster() -> Iterator[PrivatePostgres]:
    try:
        with private_postgres() as cluster:
            yield cluster
    except NotHereError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def broker(_broker: tuple[PrivateRabbitMq, list[str]]) -> PrivateRabbitMq:
    """A broker of this worker's own, running."""
    _broker[0].ensure()
    return _broker[0]


@pytest.fixture
def broker_url(broker: PrivateRabbitMq, _broker: tuple[PrivateRabbitMq, list[str]]) -> str:
    """A virtual host on it that nobody has used."""
    return _broker[1].pop()


@pytest.fixture
def cluster(_cluster: PrivatePostgres) -> PrivatePostgres:
    """A PostgreSQL of this worker's own, running."""
    _cluster.ensure()
    return _cluster


@pytest.fixture
async def cluster_url(cluster: PrivatePostgres) -> AsyncIterator[str]:
    """A database on it that nobody has used."""
    url = await create_database(cluster.url)
    yield url
    await asyncio.to_thread(cluster.ensure)
    await drop_database(cluster.url, url)
