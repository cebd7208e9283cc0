"""A virtual host to measure in. Names on the bus are fixed, so it must be one that no onrecord uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.connection import Connection
from aiormq.exceptions import ChannelNotFoundEntity

from shared.messaging.faults import FAULTS, told
from shared.messaging.topology import COMMANDS, DEAD_LETTERS, EVENTS, SHARED_QUEUES, Queue
from shared.runtime.errors import SettingError

_ANSWER_SECONDS = 10

#: What measuring adds to the topology: a durable queue as services share one.
BENCH_EVENTS = Queue("bench.events", EVENTS, ("#",))


@asynccontextmanager
async def own_virtual_host(url: str) -> AsyncIterator[None]:
    """See to it that the virtual host is nobody's, and leave it as it was. Raises SettingError."""
    async with _connected(url) as connection:
        if await _is_used(connection):
            raise SettingError(
                "ONRECORD_AMQP_URL",
                "names a virtual host that an onrecord uses, and would hear what is measured: make an empty one "
                "(rabbitmqctl add_vhost, set_permissions) and name that",
            )
    try:
        yield
    finally:
        async with _connected(url) as connection:
            await _clear(connection)


async def broker_version(url: str) -> str:
    async with _connected(url) as connection:
        below = connection.transport and connection.transport.connection
        properties = below.server_properties if isinstance(below, Connection) else {}
        return " ".join(_text(properties.get(name)) for name in ("product", "version"))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


async def _is_used(connection: AbstractConnection) -> bool:
    try:
        await (await connection.channel()).declare_exchange(EVENTS, passive=True, timeout=_ANSWER_SECONDS)
    except ChannelNotFoundEntity:
        return False
    return True


async def _clear(connection: AbstractConnection) -> None:
    channel = await connection.channel()
    for queue in (DEAD_LETTERS, BENCH_EVENTS.name, *(queue.name for queue in SHARED_QUEUES)):
        await channel.queue_delete(queue, timeout=_ANSWER_SECONDS)
    for exchange in (EVENTS, COMMANDS, DEAD_LETTERS):
        await channel.exchange_delete(exchange, timeout=_ANSWER_SECONDS)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AbstractConnection]:
    try:
        connection = await aio_pika.connect(url, timeout=_ANSWER_SECONDS)
    except FAULTS as error:
        raise SettingError("ONRECORD_AMQP_URL", f"names a broker that does not answer: {told(error)}") from error
    async with connection:
        yield connection
