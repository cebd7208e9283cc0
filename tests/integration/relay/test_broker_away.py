"""While the broker is away or takes only a part, the log goes on, and what counts as published is what it has."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from shared.contracts.watermark import Watermark
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.errors import BusUnavailableError
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message
from tests.integration.relay.listening import Listener, relaying
from tests.support.events import new_events
from tests.support.eventually import eventually

_CHECKPOINT = "SELECT global_position FROM relay_checkpoint"


class FaultyBus(InProcessBus):
    """A broker that is away, or that takes so many messages of the next batch and then no more."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.takes: list[int] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.away:
            raise BusUnavailableError("away", 0)
        if self.takes and messages[0].type != Watermark.type:
            confirmed = self.takes.pop(0)
            await super().publish(messages[:confirmed])
            raise BusUnavailableError("went away", confirmed)
        await super().publish(messages)


async def test_events_get_their_positions_while_the_broker_is_away(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail when publishing was done by the loop that sequences."""
    bus, listener = FaultyBus(), Listener()
    async with listener.listening(bus), relaying(database, bus):
        await eventually(lambda: listener.watermarks)
        bus.away = True
        for number in range(5):
            await store.append(f"s-{number}", 0, new_events(600))
            await eventually(lambda number=number: _is_at(store, 600 * (number + 1)))  # type: ignore[misc]
        assert listener.events == []
        bus.away = False
        await eventually(lambda: len(listener.events) == 3000)

    assert listener.positions == list(range(1, 3001))


async def test_the_checkpoint_moves_over_what_the_broker_confirmed_and_no_further(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with the whole batch counted as published: what the broker had not taken never came."""
    bus, listener = FaultyBus(), Listener()
    bus.takes = [7, 0, 5]
    await store.append("s", 0, new_events(20))
    async with listener.listening(bus), relaying(database, bus):
        await eventually(lambda: _reads(database, 7))
        await eventually(lambda: _reads(database, 12))
        await eventually(lambda: _reads(database, 20))

    assert listener.positions == list(range(1, 21))


async def _is_at(store: PostgresEventStore, position: int) -> bool:
    return await store.head() == position


async def _reads(database: asyncpg.Pool, position: int) -> bool:
    return bool(await database.fetchval(_CHECKPOINT) == position)
