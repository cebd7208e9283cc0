"""What is measured on somebody's servers leaves no trace there."""

from __future__ import annotations

import asyncpg
import pytest

from services.bench.ground import open_ground
from services.bench.log.filling import fill
from shared.messaging.rabbitmq import RabbitMqBus
from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings
from tests.support.events import new_events, sequence_all
from tests.support.servers import Server


async def test_a_virtual_host_that_an_onrecord_uses_is_refused(settings: Settings) -> None:
    """Seen to fail without the look for the events exchange: services would have heard what was measured."""
    assert settings.amqp_url is not None
    bus = await RabbitMqBus.connect(settings.amqp_url)
    try:
        with pytest.raises(SettingError, match="names a virtual host that an onrecord uses"):
            async with open_ground(settings):
                pytest.fail("it was taken")
    finally:
        await bus.close()


async def test_a_virtual_host_is_left_as_it_was(settings: Settings) -> None:
    """Seen to fail without the clearing: the second time, the first one's exchange was taken for a service's."""
    assert settings.amqp_url is not None
    for _ in range(2):
        async with open_ground(settings):
            await (await RabbitMqBus.connect(settings.amqp_url)).close()


async def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:9/postgres", amqp_url=None)
    async with open_ground(settings) as ground:
        with pytest.raises(SettingError, match="ONRECORD_DATABASE_URL names a server that does not answer"):
            async with ground.session():
                pytest.fail("it answered")


async def test_its_databases_are_dropped_even_after_a_fault(postgres_server: Server) -> None:
    """Seen to fail without the drop in `finally`: the database stayed."""
    names: list[str] = []

    async def fail() -> None:
        async with (
            open_ground(Settings(database_url=postgres_server.url, amqp_url=None)) as ground,
            ground.log() as log,
        ):
            names.append(await log.pool.fetchval("SELECT current_database()"))
            raise RuntimeError("while it was measured")

    with pytest.raises(RuntimeError, match="while it was measured"):
        await fail()
    connection = await asyncpg.connect(postgres_server.url)
    try:
        assert not await connection.fetch("SELECT FROM pg_database WHERE datname = ANY($1)", names)
    finally:
        await connection.close()
    assert names[0].startswith("onrecord_bench_")


async def test_a_log_that_was_filled_directly_is_a_log_like_any_other(postgres_server: Server) -> None:
    """Its positions have no holes, its streams and its order go on, and its newest partition is empty.

    Seen to fail without the new partitions.
    """
    async with open_ground(Settings(database_url=postgres_server.url, amqp_url=None)) as ground, ground.log() as log:
        await fill(log, 1000)
        assert await log.pool.fetchval("SELECT max(first_position) FROM partitions") > 1000
        stream = (await log.store.read_all(after=995))[0].stream
        assert await log.store.append(stream, 10, new_events(2)) == 12
        assert await sequence_all(log.store) == 2
        assert [event.position for event in await log.store.read(stream)] == list(range(1, 13))
        assert len(await log.store.read_all(limit=2000)) == 1002
