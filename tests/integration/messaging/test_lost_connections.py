"""The bus on RabbitMQ when its connections break: it goes on by itself, nothing is lost, order is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import live_queue
from tests.support import rabbitmq
from tests.support.broker import Heard, commands_queue, declare, events_queue, message, messages, payloads
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

_BATCH = 20
_EVENTS = 600

ORDERED = events_queue("test.ordered")
SHARED = events_queue("test.shared")
COMMANDS = commands_queue("test")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RabbitMqBus]:
    bus = await RabbitMqBus.connect(url)
    try:
        yield bus
    finally:
        await bus.close()


async def insist(say: Callable[[], Awaitable[object]]) -> None:
    """Do as the relay does: try again until the broker has it."""
    while True:
        try:
            await say()
        except (BusUnavailableError, NoAnswerError):
            await asyncio.sleep(0.05)
        else:
            return


async def publish_all(bus: RabbitMqBus) -> None:
    for first in range(0, _EVENTS, _BATCH):
        batch = messages(*range(first, first + _BATCH))
        await insist(partial(bus.publish, batch))


def has_heard(heard: Heard, count: int) -> bool:
    return len(first_times(heard)) >= count


def first_times(heard: Heard) -> list[bytes]:
    return list(dict.fromkeys(heard.payloads))


async def test_connections_that_break_amid_publishing_and_consuming_lose_nothing_and_keep_the_order(
    proxy: Proxy,
) -> None:
    heard = Heard()
    async with (
        connected(proxy.url) as publisher,
        connected(proxy.url) as consumer,
        consumer.subscribe(ORDERED, heard.handle),
    ):
        publishing = asyncio.create_task(publish_all(publisher))
        for progress in (_EVENTS // 5, _EVENTS // 2, 4 * _EVENTS // 5):
            await eventually(partial(has_heard, heard, progress), within=20)
            await proxy.break_connections()
        await publishing
        await eventually(lambda: len(first_times(heard)) == _EVENTS)

    assert first_times(heard) == payloads(*range(_EVENTS))
    assert heard.most_at_once == 1


async def test_a_broker_that_closes_all_connections_is_come_back_to(
    amqp_url: str, virtual_hosts: rabbitmq.VirtualHosts
) -> None:
    heard, decided = Heard(), Heard()
    async with (
        connected(amqp_url) as one,
        connected(amqp_url) as two,
        two.subscribe(ORDERED, heard.handle),
        two.answer(COMMANDS, decided.answer),
    ):
        await one.publish(messages(1))
        await eventually(lambda: heard.messages)
        await asyncio.to_thread(virtual_hosts.disconnect, amqp_url)

        await insist(lambda: one.publish(messages(2)))
        await insist(lambda: one.ask("test", message("still there?"), within=1))
        await eventually(lambda: first_times(heard) == payloads(1, 2))


async def test_while_the_broker_is_away_publishing_and_asking_say_so_soon_and_afterwards_they_work(
    proxy: Proxy,
) -> None:
    heard = Heard()
    async with connected(proxy.url) as bus, bus.subscribe(SHARED, heard.handle), bus.answer(COMMANDS, heard.answer):
        await proxy.close()
        async with asyncio.timeout(5):
            for _ in range(3):
                with pytest.raises(BusUnavailableError, match="check ONRECORD_AMQP_URL"):
                    await bus.publish(messages(0))
                with pytest.raises(BusUnavailableError):
                    await bus.ask("test", message("?"), within=60)
                with pytest.raises(BusUnavailableError):
                    await declare(bus, events_queue("test.new"))

        await proxy.open()
        await insist(lambda: bus.publish(messages(1)))
        await insist(lambda: bus.ask("test", message("now?"), within=1))
        await eventually(lambda: b"1" in heard.payloads)


async def test_a_batch_that_the_broker_did_not_confirm_is_a_failure_and_not_a_cancellation(proxy: Proxy) -> None:
    async with connected(proxy.url) as bus:
        publishing = asyncio.create_task(bus.publish(messages(*range(2000))))
        await eventually(lambda: proxy.requests > 20)
        await proxy.close()

        with pytest.raises(BusUnavailableError):
            await publishing
        assert not publishing.cancelled()
        await proxy.open()


async def test_a_process_whose_connection_broke_hears_what_comes_afterwards_on_its_live_queue(proxy: Proxy) -> None:
    heard = Heard()
    async with connected(proxy.url) as bus, bus.subscribe(live_queue("gateway", "one"), heard.handle):
        await proxy.break_connections()

        async def is_heard() -> bool:
            await insist(lambda: bus.publish(messages(1)))
            return bool(heard.messages)

        await eventually(is_heard)


async def test_what_waits_for_its_turn_when_the_connection_breaks_is_left_to_whoever_is_next(
    amqp_url: str, proxy: Proxy
) -> None:
    first, second, may_go_on = Heard(), Heard(), asyncio.Event()

    async def slowly(incoming: Message) -> None:
        await first.handle(incoming)
        await may_go_on.wait()

    async with (
        connected(amqp_url) as steady,
        connected(proxy.url) as shaky,
        shaky.subscribe(ORDERED, slowly),
    ):
        await steady.publish(messages(*range(5)))
        await eventually(lambda: first.messages)
        async with steady.subscribe(ORDERED, second.handle):
            await proxy.close()
            await eventually(lambda: len(second.messages) == 5)
        may_go_on.set()

    assert first.payloads == payloads(0)
    assert second.payloads == payloads(*range(5))


async def test_a_bus_closes_in_time_while_the_broker_is_away(proxy: Proxy) -> None:
    async with asyncio.timeout(10):
        async with connected(proxy.url) as bus, bus.subscribe(SHARED, Heard().handle):
            await proxy.close()
