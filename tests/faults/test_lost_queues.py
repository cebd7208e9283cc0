"""Queues are deleted under load: the consumer's durable one and a follower's own."""

from __future__ import annotations

import asyncio

import pytest

from shared.messaging import consuming
from shared.messaging.topology import CONSENT_COMMANDS, Queue
from tests.faults.claims import every_effect_once_and_in_order
from tests.faults.listening import DURABLE, LIVE
from tests.faults.load import Addresses, load
from tests.support.eventually import eventually
from tests.support.private_rabbitmq import PrivateRabbitMq


@pytest.mark.parametrize(
    ("queue", "seed"), [(CONSENT_COMMANDS, 1), (DURABLE, 2), (LIVE, 3)], ids=lambda value: getattr(value, "name", None)
)
async def test_who_loses_a_queue_has_it_again_and_loses_no_effect(
    database_url: str, broker: PrivateRabbitMq, broker_url: str, queue: Queue, seed: int
) -> None:
    """Whoever consumed a queue that was deleted consumes it again soon.

    Seen to fail without the watch over consumers, and with a follower that applies what comes without filling the gap.
    """
    async with load(Addresses(database_url, broker_url), seed) as running:
        await running.goes_on()
        # Fails where there is no such queue.
        await asyncio.to_thread(broker.delete_queue, broker_url, queue.name)
        heard = len(running.subscriber.heard), len(running.following.heard)
        await running.goes_on()
        await eventually(lambda: len(running.subscriber.heard) > heard[0] + 100)
        await eventually(lambda: len(running.following.heard) > heard[1] + 100)
        await running.end()

        await every_effect_once_and_in_order(running, durable=queue is not DURABLE)


async def test_a_follower_learns_from_the_watermark_what_was_said_while_it_had_no_queue(
    database_url: str, broker: PrivateRabbitMq, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing follows what the follower has missed, so no gap shows it: the watermark's position does.

    Seen to fail with a follower that does not catch up to the watermark.
    """
    async with load(Addresses(database_url, broker_url), seed=1) as running:
        await running.goes_on()
        await running.end()
        # The program that deletes may end seconds after it deleted.
        monkeypatch.setattr(consuming, "_RETRY_SECONDS", 8)
        await asyncio.to_thread(broker.delete_queue, broker_url, LIVE.name)
        await running.appenders[0].append(20)
        await eventually(lambda: len(running.subscriber.heard) == running.appended + running.answered)
        assert len(set(running.following.heard)) <= running.appended + running.answered - 20, "it has missed nothing"
        await eventually(lambda: len(running.following.applied) == running.appended + running.answered)

        await every_effect_once_and_in_order(running)
