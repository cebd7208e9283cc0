"""A house with one gateway and one room."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.contracts.room import RoomCreated
from tests.support.moments import at
from tests.unit.gateway.signaling.house import Gateway, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House().opened() as house:
        await house.happens(RoomCreated(at=at(), room_id="r"))
        yield house


@pytest.fixture
async def gateway(house: House) -> Gateway:
    return await house.gateway()
