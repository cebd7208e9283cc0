"""The relay publishes every event once, in order; killed at any moment, it loses nothing."""

from __future__ import annotations

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import asyncpg

from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.in_process import InProcessBus
from shared.messaging.rabbitmq import RabbitMqBus
from tests.integration.relay.listening import Listener, kill, relaying
from tests.support.events import append, new_events
from tests.support.eventually import eventually
from tests.support.in_memory import InMemoryEventStore

#: The most that is published, and so can be published again, at once.
_BATCH = 500
_STREAMS = [f"s-{number}" for number in range(5)]


async def test_every_event_is_published_once_in_the_order_of_the_log(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    async def write(stream: str) -> None:
        for _ in range(20):
            await append(store, stream, new_events(2))

    async with relaying(database, bus):
        await asyncio.gather(*(write(f"s-{number}") for number in range(8)))
        await eventually(lambda: len(listener.events) >= 320)

    assert listener.positions == list(range(1, 321))
    assert listener.events == await store.read_all()


async def test_more_than_a_batch_is_published_in_order_too(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    await store.append("s", 0, new_events(3 * _BATCH + 1))
    async with relaying(database, bus):
        await eventually(lambda: len(listener.events) > 3 * _BATCH)

    assert listener.positions == list(range(1, 3 * _BATCH + 2))


async def test_a_relay_goes_on_where_the_one_before_it_ended(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    await store.append("s", 0, new_events(10))
    async with relaying(database, bus):
        await eventually(lambda: listener.watermarks)
    await store.append("s", 10, new_events(5))
    async with relaying(database, bus):
        await eventually(lambda: len(listener.events) >= 15)

    assert listener.positions == list(range(1, 16))


async def test_a_relay_that_is_killed_at_any_moment_and_restarted_loses_nothing(
    database: asyncpg.Pool, store: PostgresEventStore, amqp_url: str
) -> None:
    bus, listener = await RabbitMqBus.connect(amqp_url), Listener()
    chance = random.Random(7)
    restarts, enough = [0], asyncio.Event()
    async with listener.listening(bus):
        writing = asyncio.create_task(_keep_writing(store, enough))
        for _ in range(12):
            async with relaying(database, bus) as relay:
                await eventually(lambda: len(listener.events) > restarts[-1])
                for _ in range(chance.randrange(200)):
                    await asyncio.sleep(0)
                await kill(relay)
            restarts.append(len(listener.events))
        # Not cut off: what the database has by then might be committed after it was asked.
        enough.set()
        await writing
        async with relaying(database, bus):
            await eventually(lambda: _heard_all(listener, store))
    await bus.close()

    assert list(dict.fromkeys(listener.positions)) == list(range(1, await store.head() + 1))
    assert _longest_step_back(listener.positions) < _BATCH
    assert len(listener.positions) - len(set(listener.positions)) < _BATCH * len(restarts)
    _assert_streams_in_order(listener)


async def test_events_are_published_while_others_append_without_a_pause(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    async with relaying(database, bus, store=_BusyStore()):
        await eventually(lambda: len(listener.events) >= 100 and len(listener.watermarks) >= 3)

    assert listener.positions == list(range(1, len(listener.events) + 1))


async def test_of_two_relays_one_publishes_and_the_other_takes_over(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    # A bus for each, so that it can be told who speaks.
    one, two = _Heard(), _Heard()
    async with one.listening(), two.listening(), relaying(database, one.bus) as first:
        await eventually(lambda: one.listener.watermarks)
        async with relaying(database, two.bus):
            await append(store, "s", new_events(20))
            await eventually(lambda: one.listener.watermarks[-1].global_position == 20)  # all published and noted
            assert two.listener.watermarks == []
            await kill(first)
            said = len(one.listener.watermarks)
            await append(store, "s", new_events(20))
            await eventually(lambda: len(two.listener.events) == 20)

    assert len(one.listener.watermarks) == said
    assert one.listener.positions + two.listener.positions == list(range(1, 41))


class _Heard:
    def __init__(self) -> None:
        self.bus, self.listener = InProcessBus(), Listener()

    def listening(self) -> AbstractAsyncContextManager[None]:
        return self.listener.listening(self.bus)


class _BusyStore(InMemoryEventStore):
    """A log to which somebody has always just appended."""

    async def sequence(self, limit: int = 1000) -> int:
        await append(self, "busy", new_events(3))
        return await super().sequence(limit)


async def _keep_writing(store: PostgresEventStore, enough: asyncio.Event) -> None:
    chance = random.Random(11)
    while not enough.is_set():
        await asyncio.gather(*(append(store, stream, new_events(chance.randint(1, 3))) for stream in _STREAMS))
        await asyncio.sleep(0.01)


async def _heard_all(listener: Listener, store: PostgresEventStore) -> bool:
    written = [event for stream in _STREAMS for event in await store.read(stream)]
    pending = any(event.global_position is None for event in written)
    return not pending and max(listener.positions) == await store.head()


def _longest_step_back(positions: list[int]) -> int:
    return max(before - after for before, after in pairwise(positions))


def _assert_streams_in_order(listener: Listener) -> None:
    first_heard = {event.global_position: event for event in reversed(listener.events)}
    heads: dict[str, int] = {}
    for position in sorted(position for position in first_heard if position):
        event = first_heard[position]
        assert event.position == heads.get(event.stream, 0) + 1
        heads[event.stream] = event.position
