"""A bench that measures next to nothing, on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.bench.cpu import CpuMeter, find_postmaster
from services.bench.ground import open_ground
from services.bench.log.scale import Bench, Scale
from services.bench.supply import Supply
from shared.runtime.settings import Settings
from tests.support.servers import Server

TINY = Scale(
    rounds=2,
    seconds=0.05,
    clients=(1, 3),
    batches=(20,),
    replayed=500,
    rates=(50,),
    rate_seconds=0.4,
    sizes=(100, 1000),
)


@pytest.fixture
def settings(postgres_server: Server, amqp_url: str) -> Settings:
    return Settings(database_url=postgres_server.url, amqp_url=amqp_url)


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with open_ground(settings) as ground:
        async with ground.session() as connection:
            meter = CpuMeter(await find_postmaster(connection))
        yield Bench(ground, TINY, 1, Supply(1), meter, lambda _: None)


@pytest.fixture
async def bench_in_process(postgres_server: Server) -> AsyncIterator[Bench]:
    """One whose bus is within the process."""
    async with open_ground(Settings(database_url=postgres_server.url, amqp_url=None)) as ground:
        yield Bench(ground, TINY, 1, Supply(1), CpuMeter(None), lambda _: None)
