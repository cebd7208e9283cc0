"""A bus on RabbitMQ whose connections can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.messaging.rabbitmq import RabbitMqBus
from tests.support.proxy import Proxy, proxied


@pytest.fixture
async def proxy(amqp_url: str) -> AsyncIterator[Proxy]:
    """A way to the test's virtual host that can be closed and opened."""
    async with proxied(amqp_url) as proxy:
        yield proxy


@pytest.fixture
async def bus(amqp_url: str) -> AsyncIterator[RabbitMqBus]:
    bus = await RabbitMqBus.connect(amqp_url)
    yield bus
    await bus.close()
