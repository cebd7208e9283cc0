"""Declaring exchanges and queues on RabbitMQ."""

from __future__ import annotations

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue
from pamqp.common import Arguments

from shared.messaging.amqp import queue_arguments
from shared.messaging.topology import COMMANDS, DEAD_LETTERS, EVENTS, SHARED_QUEUES, Queue

#: For one answer of a broker that is there. Longer than it waits itself for a queue that has no leader right now.
ANSWER_SECONDS = 10

_EXCHANGES = {
    EVENTS: ExchangeType.TOPIC,
    COMMANDS: ExchangeType.DIRECT,
    DEAD_LETTERS: ExchangeType.TOPIC,
}


async def declare_topology(channel: AbstractChannel) -> None:
    """Declare what every service relies on. What is there stays as it is."""
    for name, kind in _EXCHANGES.items():
        await channel.declare_exchange(name, kind, durable=True, timeout=ANSWER_SECONDS)
    arguments: Arguments = {"x-queue-type": "quorum"}
    parked = await channel.declare_queue(DEAD_LETTERS, durable=True, arguments=arguments, timeout=ANSWER_SECONDS)
    await parked.bind(DEAD_LETTERS, "#", timeout=ANSWER_SECONDS)
    for queue in SHARED_QUEUES:
        await declare_queue(channel, queue)


async def require_topology(channel: AbstractChannel) -> None:
    """Raise an AMQPError, which ends the channel, when something of the topology is gone.

    To bind anew what is bound asks for a queue and an exchange in one question, and every exchange has a queue.
    """
    bindings = [(queue.name, queue.exchange, queue.bindings[0]) for queue in SHARED_QUEUES]
    for name, exchange, key in [(DEAD_LETTERS, DEAD_LETTERS, "#"), *bindings]:
        queue = await channel.get_queue(name, ensure=False)
        await queue.bind(exchange, key, timeout=ANSWER_SECONDS)


async def declare_queue(channel: AbstractChannel, queue: Queue) -> AbstractQueue:
    """Declare the queue with its bindings."""
    one_process = not queue.shared
    declared = await channel.declare_queue(
        queue.name,
        durable=queue.shared,
        exclusive=one_process,
        auto_delete=one_process,
        arguments=queue_arguments(queue),
        timeout=ANSWER_SECONDS,
    )
    for key in queue.bindings:
        await declared.bind(queue.exchange, key, timeout=ANSWER_SECONDS)
    return declared
