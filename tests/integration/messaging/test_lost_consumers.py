"""Consumers on RabbitMQ that are lost on the way: each is back soon, there are never two, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import aio_pika
import pytest
from aiormq.channel import Channel
from prometheus_client import REGISTRY

from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.consuming import Consuming
from shared.messaging.declaring import declare_queue
from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.link import driver
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import EVENTS, Queue, live_queue
from tests.support import rabbitmq
from tests.support.broker import Heard, commands_queue, events_queue, message
from tests.support.eventually import eventually

SHARED = events_queue("test.shared")
LIVE = live_queue("gateway", "one")
COMMANDS = commands_queue("test")
STREAMS = ("room-a", "room-b", "room-c")
#: What is promised are two seconds; the machine may be busy.
SOON = 10

Fault = Callable[[RabbitMqBus, Channel], Awaitable[None]]


def restored(queue: str) -> float:
    return REGISTRY.get_sample_value("onrecord_consumers_restored_total", {"queue": queue}) or 0


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> dict[str, Channel]:
    """The channels on which queues are consumed, by queue: tests put faults on them."""
    found: dict[str, Channel] = {}
    consume_on = Consuming._consume_on

    async def seen(self: Consuming, channel: aio_pika.abc.AbstractChannel) -> object:
        consumer = await consume_on(self, channel)
        found[self._name] = await driver(channel)
        return consumer

    monkeypatch.setattr(Consuming, "_consume_on", seen)
    return found


async def its_channel_is_closed_by_the_broker(_: RabbitMqBus, channel: Channel) -> None:
    await channel.basic_ack(4711)  # of a delivery that never was


async def it_is_cancelled(_: RabbitMqBus, channel: Channel) -> None:
    await channel.basic_cancel(*channel.consumers)


async def the_broker_alone_forgets_it(_: RabbitMqBus, channel: Channel) -> None:
    consumers = dict(channel.consumers)
    await channel.basic_cancel(*consumers)
    channel.consumers.update(consumers)


async def the_driver_gives_its_connection_up(_: RabbitMqBus, channel: Channel) -> None:
    await channel.connection.close()  # which cancels what waits for it


FAULTS = [
    its_channel_is_closed_by_the_broker,
    it_is_cancelled,
    the_broker_alone_forgets_it,
    the_driver_gives_its_connection_up,
]


@pytest.mark.parametrize("queue", [SHARED, LIVE], ids=lambda queue: queue.name)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_consumer_that_is_lost_is_soon_back_and_misses_nothing(
    bus: RabbitMqBus, channels: dict[str, Channel], queue: Queue, fault: Fault
) -> None:
    """Seen to fail without the loop around the consumer, and, where the broker alone forgets it, without asking it."""
    heard, before = Heard(), restored(queue.name)
    async with bus.subscribe(queue, heard.handle):
        publishing = asyncio.create_task(publish_turn_by_turn(bus, 60))
        await eventually(lambda: heard.messages)
        await fault(bus, channels[queue.name])
        await eventually(lambda: restored(queue.name) == before + 1, within=SOON)
        await publishing
        if queue is not LIVE:  # an exclusive queue goes with its consumer, and what was in it is in the log
            await eventually(lambda: each_stream_was_heard(heard, 60))
        await insist(lambda: bus.publish([message("afterwards")]))
        await eventually(lambda: b"afterwards" in heard.payloads)
        assert await consumers_of(bus, queue) == 1


@pytest.mark.parametrize("step", ["closed", "close"])
async def test_a_channel_that_fails_once_in_a_way_nobody_foresaw_does_not_end_the_loop(
    bus: RabbitMqBus, channels: dict[str, Channel], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Seen to fail, where it is looked at and where it is closed, with known faults alone caught."""
    heard, failed, works = Heard(), asyncio.Event(), getattr(aio_pika.channel.Channel, step)

    async def fails_once(self: aio_pika.channel.Channel, *arguments: object) -> object:
        if not failed.is_set() and await driver(self) is channels[SHARED.name]:
            failed.set()
            raise AssertionError("nobody foresaw this")
        return await works(self, *arguments)

    async with bus.subscribe(SHARED, heard.handle):
        before, last = restored(SHARED.name), channels[SHARED.name]
        monkeypatch.setattr(aio_pika.channel.Channel, step, fails_once)
        await it_is_cancelled(bus, last)
        await eventually(lambda: failed.is_set() and restored(SHARED.name) > before, within=SOON)
        await insist(lambda: bus.publish([message("afterwards")]))
        await eventually(lambda: b"afterwards" in heard.payloads)
        assert await consumers_of(bus, SHARED) == 1


@pytest.mark.parametrize("queue", [SHARED, LIVE], ids=lambda queue: queue.name)
async def test_a_queue_that_is_deleted_while_it_is_consumed_is_soon_back(bus: RabbitMqBus, queue: Queue) -> None:
    """Seen to fail without the loop around the consumer."""
    heard, before = Heard(), restored(queue.name)
    async with bus.subscribe(queue, heard.handle):
        await delete(bus, queue.name)
        await eventually(lambda: restored(queue.name) == before + 1, within=SOON)

        await bus.publish([message("afterwards")])
        await eventually(lambda: heard.payloads == [b"afterwards"])
        assert await consumers_of(bus, queue) == 1


async def test_an_exchange_that_is_deleted_is_soon_back_and_reaches_who_consumes(bus: RabbitMqBus) -> None:
    """Seen to fail when a queue that is consumed is not bound again."""
    heard = Heard()
    async with bus.subscribe(LIVE, heard.handle):
        channel = await bus._link.channel()
        await channel.exchange_delete(EVENTS)
        await channel.close()

        await eventually(lambda: is_heard(bus, heard), within=SOON)


async def test_a_binding_that_is_lost_is_soon_back_though_messages_come_by_another_one(bus: RabbitMqBus) -> None:
    """Seen to fail where any message was taken to show that every other one can come."""
    heard, queue = Heard(), Queue("test.two-ways", EVENTS, ("one.v1", "other.v1"))

    async def comes_by_the_other() -> bool:
        await bus.publish([message("by the one", "one.v1"), message("by the other", "other.v1")])
        return b"by the other" in heard.payloads

    async with bus.subscribe(queue, heard.handle):
        channel = await bus._link.channel()
        await (await channel.get_queue(queue.name)).unbind(EVENTS, "other.v1")
        await eventually(comes_by_the_other, within=SOON)
        assert b"by the one" in heard.payloads
        await channel.close()


async def test_a_queue_for_answers_that_is_deleted_is_soon_back(bus: RabbitMqBus) -> None:
    """Seen to fail without the loop around the consumer."""
    heard, before = Heard(), restored("replies")
    async with bus.answer(COMMANDS, heard.answer):
        await delete(bus, bus._replies.queue or "")
        await eventually(lambda: restored("replies") == before + 1, within=SOON)

        answer = await bus.ask("test", message("still there?"), within=5)
    assert answer.payload == b"answer to still there?"


async def test_every_consumer_of_a_connection_that_the_broker_closes_is_soon_back(
    amqp_url: str, bus: RabbitMqBus, virtual_hosts: rabbitmq.VirtualHosts
) -> None:
    """Seen to fail without the loop around the consumer."""
    heard, queues = {queue.name: Heard() for queue in (SHARED, LIVE)}, (SHARED, LIVE)
    before = {name: restored(name) for name in heard}
    async with (
        bus.subscribe(SHARED, heard[SHARED.name].handle),
        bus.subscribe(LIVE, heard[LIVE.name].handle),
        bus.answer(COMMANDS, Heard().answer),
    ):
        await asyncio.to_thread(virtual_hosts.disconnect, amqp_url)
        await eventually(lambda: all(restored(name) > before[name] for name in heard), within=SOON)

        await bus.publish([message("afterwards")])
        await eventually(lambda: all(each.payloads == [b"afterwards"] for each in heard.values()))
        await eventually(lambda: is_answered(bus))
        assert [await consumers_of(bus, queue) for queue in queues] == [1, 1]


@pytest.mark.parametrize(
    "fault", [its_channel_is_closed_by_the_broker, it_is_cancelled], ids=lambda fault: fault.__name__
)
async def test_what_waits_for_a_message_whose_consumer_is_lost_comes_again_behind_it_and_once(
    bus: RabbitMqBus, channels: dict[str, Channel], fault: Fault
) -> None:
    """Seen to fail when a lost consumer does not say so to what it had brought, and when its channel is left open."""
    heard, before = Heard(), restored(SHARED.name)

    async def handle(incoming: Message) -> None:
        await heard.handle(incoming)
        if restored(SHARED.name) == before:
            raise LogUnavailableError("until the consumer is back")

    async with bus.subscribe(SHARED, handle):
        await bus.publish([message(1, stream="room-a"), message(2, stream="room-a")])
        await eventually(lambda: heard.messages)
        await fault(bus, channels[SHARED.name])
        await eventually(lambda: b"2" in heard.payloads)

    assert heard.payloads == [b"1"] * (len(heard.payloads) - 1) + [b"2"]


async def publish_turn_by_turn(bus: RabbitMqBus, count: int) -> None:
    for number in range(count):
        await insist(partial(bus.publish, [message(number, stream=stream) for stream in STREAMS]))


async def insist(publish: Callable[[], Awaitable[None]]) -> None:
    """Do as the relay does: try again until the broker has it."""
    while True:
        try:
            return await publish()
        except BusUnavailableError:
            await asyncio.sleep(0.05)


def each_stream_was_heard(heard: Heard, count: int) -> bool:
    """Tell whether each stream's events came, at least once and for the first time in their order."""
    for stream in STREAMS:
        of_stream = [incoming.payload for incoming in heard.messages if incoming.headers.get("stream") == stream]
        first_times = list(dict.fromkeys(of_stream))
        assert first_times == [str(number).encode() for number in range(len(first_times))]
        if len(first_times) < count:
            return False
    return True


async def delete(bus: RabbitMqBus, queue: str) -> None:
    """Delete a queue over the bus's own connection: nobody else may if it is exclusive."""
    channel = await bus._link.channel()
    await channel.queue_delete(queue)
    await channel.close()


async def consumers_of(bus: RabbitMqBus, queue: Queue) -> int:
    channel = await bus._link.channel()
    found = await declare_queue(channel, queue)
    await channel.close()
    return found.declaration_result.consumer_count or 0


async def is_heard(bus: RabbitMqBus, heard: Heard) -> bool:
    with suppress(BusUnavailableError):
        await bus.publish([message("afterwards")])
    return bool(heard.messages)


async def is_answered(bus: RabbitMqBus) -> bool:
    try:
        await bus.ask("test", message("still there?"), within=1)
    except NoAnswerError:
        return False
    return True
