"""What the bus leaves on the broker."""

from __future__ import annotations

import aio_pika
import pytest

from shared.messaging.errors import BusUnavailableError
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import DEAD_LETTERS, SHARED_QUEUES, live_queue
from tests.support.broker import Heard, declare, events_queue, messages
from tests.support.eventually import eventually

QUEUE = events_queue("test.poisoned")


async def test_the_live_queue_of_a_process_dies_with_its_connection(amqp_url: str) -> None:
    live = live_queue("gateway", "one")
    bus = await RabbitMqBus.connect(amqp_url)
    async with await aio_pika.connect(amqp_url) as observer, bus.subscribe(live, Heard().handle):
        await bus.close()

        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await (await observer.channel()).get_queue(live.name)


async def test_the_queues_of_the_services_outlive_every_process(amqp_url: str) -> None:
    await (await RabbitMqBus.connect(amqp_url)).close()

    async with await aio_pika.connect(amqp_url) as observer:
        channel = await observer.channel()
        for queue in SHARED_QUEUES:
            await channel.get_queue(queue.name)


async def test_messages_are_persistent(amqp_url: str) -> None:
    bus = await RabbitMqBus.connect(amqp_url)
    await declare(bus, QUEUE)
    await bus.publish(messages(1))
    await bus.close()

    async with await aio_pika.connect(amqp_url) as observer:
        stored = await (await (await observer.channel()).get_queue(QUEUE.name)).get(no_ack=True, fail=True)
    assert stored.delivery_mode is aio_pika.DeliveryMode.PERSISTENT


async def test_a_message_that_ends_every_process_that_takes_it_goes_to_the_dead_letters(amqp_url: str) -> None:
    bus = await RabbitMqBus.connect(amqp_url)
    await declare(bus, QUEUE)
    await bus.publish(messages(1))
    taken = 0

    async def take_and_die() -> bool:
        nonlocal taken
        connection = await aio_pika.connect(amqp_url)
        found = await (await (await connection.channel()).get_queue(QUEUE.name)).get(fail=False)
        taken += bool(found)
        await connection.close()
        return await _parked(amqp_url) == [b"1"]

    await eventually(take_and_die, within=30)

    assert 5 < taken <= 21
    await bus.close()


async def test_a_message_without_an_id_goes_to_the_dead_letters(amqp_url: str) -> None:
    bus, heard = await RabbitMqBus.connect(amqp_url), Heard()
    async with await aio_pika.connect(amqp_url) as stranger, bus.subscribe(QUEUE, heard.handle):
        exchange = (await stranger.channel()).default_exchange
        await exchange.publish(aio_pika.Message(b"foreign", message_id="not a uuid"), QUEUE.name)

        await eventually(lambda: _parked_is(amqp_url, [b"foreign"]))
    assert heard.messages == []
    await bus.close()


@pytest.mark.parametrize(
    "wrong",
    ["amqp://127.0.0.1:1/", "nonsense", "http://127.0.0.1:1/", "amqp://guest:wrong@{host}/", "amqp://{login}/no-such"],
)
async def test_a_broker_that_cannot_be_reached_is_told(amqp_url: str, wrong: str) -> None:
    login = amqp_url.removeprefix("amqp://").rpartition("/")[0]
    url = wrong.format(host=login.rpartition("@")[2], login=login)

    with pytest.raises(BusUnavailableError, match="check ONRECORD_AMQP_URL"):
        await RabbitMqBus.connect(url)


async def test_a_queue_that_is_there_with_other_properties_is_told(amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as stranger:
        await (await stranger.channel()).declare_queue(SHARED_QUEUES[0].name, durable=True)

    with pytest.raises(BusUnavailableError, match="inequivalent arg"):
        await RabbitMqBus.connect(amqp_url)


async def _parked(url: str) -> list[bytes]:
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue(DEAD_LETTERS)
        letter = await queue.get(fail=False)
        return [letter.body] if letter else []  # unsettled, so it goes back with the connection


async def _parked_is(url: str, expected: list[bytes]) -> bool:
    return await _parked(url) == expected
