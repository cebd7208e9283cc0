"""Exchanges and queues on RabbitMQ that are deleted: they are soon back, and nobody publishes into nothing for long."""

from __future__ import annotations

import aio_pika
import pytest

from shared.messaging.errors import BusUnavailableError, MalformedMessageError
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import DEAD_LETTERS, EVENTS, RECORDER_ASSIGNMENTS
from tests.support.broker import events_queue, message
from tests.support.eventually import eventually

SHARED = events_queue("test.shared")
#: What is promised are two seconds; the machine may be busy.
SOON = 10


@pytest.mark.parametrize("name", [RECORDER_ASSIGNMENTS.name, EVENTS])
async def test_what_is_deleted_of_the_topology_is_soon_declared_again_though_nobody_here_consumes(
    bus: RabbitMqBus, amqp_url: str, name: str
) -> None:
    """Seen to fail without the look at the topology."""
    async with await aio_pika.connect(amqp_url) as stranger:
        channel = await stranger.channel()
        if name == RECORDER_ASSIGNMENTS.name:
            await channel.queue_delete(name)
        else:
            await channel.exchange_delete(name)
        await eventually(lambda: reaches_the_workers(bus, stranger), within=SOON)


async def test_a_dead_letter_waits_for_its_queue_to_be_declared_again(bus: RabbitMqBus) -> None:
    """Seen to fail when dead letters are published without asking for a queue: they go nowhere, and are confirmed."""
    async with bus.subscribe(SHARED, refuse):
        channel = await bus._link.channel()
        await channel.queue_delete(DEAD_LETTERS)
        await channel.close()
        await bus.publish([message("poison")])
        await eventually(lambda: parked_reasons(bus))
        assert await parked_reasons(bus) == ["MalformedMessageError"]


async def refuse(incoming: Message) -> None:
    raise MalformedMessageError(incoming.type, "nonsense")


async def reaches_the_workers(bus: RabbitMqBus, stranger: aio_pika.abc.AbstractConnection) -> bool:
    channel = await stranger.channel()
    try:
        await bus.publish([message("told", "recording.requested.v1")])
        queue = await channel.get_queue(RECORDER_ASSIGNMENTS.name)
        return bool(queue.declaration_result.message_count)
    except (aio_pika.exceptions.AMQPError, BusUnavailableError):
        return False
    finally:
        await channel.close()


async def parked_reasons(bus: RabbitMqBus) -> list[str]:
    channel = await bus._link.channel()
    try:
        queue = await channel.get_queue(DEAD_LETTERS)
        if not queue.declaration_result.message_count:
            return []  # nor is it asked for one: a broker that is still making a queue fails at that
        found = await queue.get(fail=True)
        return [str(found.headers["dead-letter-error"])]
    except aio_pika.exceptions.AMQPError:
        return []
    finally:
        await channel.close()
