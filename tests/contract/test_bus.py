"""The bus within a process and the bus on RabbitMQ keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.contract.bus import BusContract
from tests.support.broker import OneProcess, RabbitMq


class TestInProcessBus(BusContract):
    @pytest.fixture
    async def broker(self) -> OneProcess:
        return OneProcess()


class TestRabbitMqBus(BusContract):
    @pytest.fixture
    async def broker(self, amqp_url: str) -> AsyncIterator[RabbitMq]:
        async with AsyncExitStack() as stack:
            yield RabbitMq(amqp_url, stack)
