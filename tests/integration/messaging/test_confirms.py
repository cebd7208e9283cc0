"""What RabbitMQ confirms, and what a publisher makes of it."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

import aio_pika
import pytest

from shared.messaging.errors import BusUnavailableError
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import DEAD_LETTERS, EVENTS
from tests.support.broker import Heard, declare, events_queue, message, messages, payloads
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

QUEUE = events_queue("test.confirmed")
STREAMS = ("room-a", "room-b", "room-c")


async def refuse_from(amqp_url: str, capacity: int, exchange: str, key: str) -> aio_pika.abc.AbstractConnection:
    """Bind a queue that has room for so many, and whose broker refuses to confirm the next."""
    connection = await aio_pika.connect(amqp_url)
    arguments: dict[str, object] = {"x-max-length": capacity, "x-overflow": "reject-publish"}
    queue = await (await connection.channel()).declare_queue("test.full", arguments=arguments)  # type: ignore[arg-type]
    await queue.bind(exchange, key)
    return connection


async def test_a_publisher_is_told_how_many_from_the_first_on_the_broker_has(bus: RabbitMqBus, amqp_url: str) -> None:
    """Seen to fail when the error says 0, and when it counts all that are confirmed."""
    async with await refuse_from(amqp_url, 0, EVENTS, "refused"):
        good, refused = message("good", "accepted"), message("bad", "refused")
        with pytest.raises(BusUnavailableError) as failed:
            await bus.publish([good, good, good, refused, good, good])
        assert failed.value.confirmed == 3

        with pytest.raises(BusUnavailableError) as failed:
            await bus.publish([refused, good])
        assert failed.value.confirmed == 0


async def test_a_channel_goes_on_after_the_broker_has_refused(bus: RabbitMqBus, amqp_url: str) -> None:
    async with await refuse_from(amqp_url, 2, EVENTS, "#"):
        with pytest.raises(BusUnavailableError) as failed:
            await bus.publish(messages(*range(50)))
        assert failed.value.confirmed == 2
    async with await aio_pika.connect(amqp_url) as connection:
        await (await connection.channel()).queue_delete("test.full")

    await bus.publish(messages(*range(50)))


async def test_of_many_that_fail_together_one_is_told_of(bus: RabbitMqBus, amqp_url: str) -> None:
    """Seen to fail when nobody looks at the others: asyncio reports each."""
    reports: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    async with await refuse_from(amqp_url, 0, EVENTS, "#"):
        with pytest.raises(BusUnavailableError):
            await bus.publish(messages(*range(20)))
        gc.collect()
    assert reports == []


async def test_a_publisher_that_goes_on_after_what_was_confirmed_loses_nothing_and_keeps_each_streams_order(
    proxy: Proxy, bus: RabbitMqBus
) -> None:
    """Seen to fail when the error counts what was sent instead of what was confirmed."""
    heard, shaky = Heard(), await RabbitMqBus.connect(proxy.url)
    sent = [message(number, stream=STREAMS[number % 3]) for number in range(6000)]
    async with bus.subscribe(QUEUE, heard.handle):
        publishing = asyncio.create_task(publish_all(shaky, sent))
        for progress in (500, 2000, 4000):
            await eventually(partial(has_heard, heard, progress), within=30)
            await proxy.break_connections()
        await publishing
        await eventually(lambda: len(first_times(heard.messages)) == len(sent), within=30)
    await shaky.close()

    for stream in STREAMS:
        assert of_stream(first_times(heard.messages), stream) == of_stream(sent, stream)


async def test_of_a_publishing_that_is_cut_the_confirmed_beginning_is_there(proxy: Proxy, amqp_url: str) -> None:
    """Seen to fail when the error counts what was sent instead of what was confirmed."""
    heard, shaky = Heard(), await RabbitMqBus.connect(proxy.url)
    await declare(shaky, QUEUE)
    publishing = asyncio.create_task(shaky.publish(messages(*range(3000))))
    await eventually(lambda: proxy.requests > 60)
    await proxy.close()

    with pytest.raises(BusUnavailableError) as failed:
        await publishing
    steady = await RabbitMqBus.connect(amqp_url)
    async with steady.subscribe(QUEUE, heard.handle):
        await steady.publish([message("end")])
        await eventually(lambda: b"end" in heard.payloads)
    assert heard.payloads[: failed.value.confirmed] == payloads(*range(failed.value.confirmed))
    assert len(heard.payloads) > failed.value.confirmed

    await proxy.open()
    await shaky.close()
    await steady.close()


async def test_a_dead_letter_that_the_broker_does_not_take_from_us_it_parks_by_itself(
    bus: RabbitMqBus, amqp_url: str
) -> None:
    """Seen to fail when the message is acknowledged whatever became of its dead letter."""

    async def fail(_: Message) -> None:
        raise LookupError

    async with await refuse_from(amqp_url, 0, DEAD_LETTERS, "#"), bus.subscribe(QUEUE, fail):
        await bus.publish(messages(1))
        await eventually(lambda: parked_by_the_broker(bus))


async def publish_all(bus: RabbitMqBus, sent: list[Message]) -> None:
    """Do as the relay does: go on after what the broker has."""
    done = 0
    while done < len(sent):
        batch = sent[done : done + 500]
        try:
            await bus.publish(batch)
        except BusUnavailableError as error:
            done += error.confirmed
            await asyncio.sleep(0.05)
        else:
            done += len(batch)


async def has_heard(heard: Heard, count: int) -> bool:
    return len(heard.messages) >= count


def first_times(heard: list[Message]) -> list[Message]:
    return list({incoming.id: incoming for incoming in heard}.values())


def of_stream(sent: list[Message], stream: str) -> list[bytes]:
    return [incoming.payload for incoming in sent if incoming.headers["stream"] == stream]


async def parked_by_the_broker(bus: RabbitMqBus) -> bool:
    channel = await bus._link.channel()
    queue = await channel.get_queue(DEAD_LETTERS)
    letters = []
    while letter := await queue.get(no_ack=True, fail=False):
        letters.append(letter)
    await channel.close()
    return any("x-death" in letter.headers for letter in letters)
