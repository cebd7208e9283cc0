"""The means to run relays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.messaging.in_process import InProcessBus
from tests.integration.relay.listening import Listener


@pytest.fixture
def bus() -> InProcessBus:
    return InProcessBus()


@pytest.fixture
async def listener(bus: InProcessBus) -> AsyncIterator[Listener]:
    listener = Listener()
    async with listener.listening(bus):
        yield listener
