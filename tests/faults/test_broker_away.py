"""The broker is restarted and killed under load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from tests.faults.claims import every_effect_once_and_in_order
from tests.faults.load import Addresses, load
from tests.support.private_rabbitmq import PrivateRabbitMq


@pytest.mark.parametrize(("end", "seed"), [(PrivateRabbitMq.stop, 1), (PrivateRabbitMq.kill, 2)])
async def test_a_broker_that_goes_and_comes_back_costs_nothing(
    database_url: str, broker: PrivateRabbitMq, broker_url: str, end: Callable[[PrivateRabbitMq], None], seed: int
) -> None:
    """A broker that is stopped, or killed, under load costs no effect and doubles none.

    Seen to fail without the watch over consumers, with a command handler that decides a message anew that comes again,
    and with a relay that ends when it cannot publish.
    """
    async with load(Addresses(database_url, broker_url), seed) as running:
        await running.goes_on(events=Random(seed).randint(50, 300))
        await asyncio.to_thread(broker.save_queues)
        asked_again = running.unanswered
        await asyncio.to_thread(end, broker)
        appended = running.appended
        await asyncio.to_thread(broker.start)
        assert running.appended > appended, "appenders need no broker"
        await running.goes_on()
        await running.end()

        assert running.unanswered > asked_again, "nobody has noticed that the broker was away"
        await every_effect_once_and_in_order(running)
