"""Who follows the log gets a hint to look, from the sequencer alone: one from each append would queue all commits."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.eventsourcing.event import AppendRequest
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events
from tests.support.eventually import eventually


@pytest.fixture
async def hints(session: asyncpg.Connection, store: PostgresEventStore) -> list[str]:
    heard: list[str] = []

    def hear(*hint: object) -> None:
        heard.append(str(hint[-1]))

    await session.add_listener("onrecord_log", hear)
    await session.add_listener("end", hear)
    return heard


async def test_each_sequencing_transaction_that_placed_something_sends_one_hint(
    database: asyncpg.Pool, store: PostgresEventStore, hints: list[str]
) -> None:
    """Seen to fail when append_requests notifies, when every batch does, and when each event does."""
    await asyncio.gather(*(store.append(f"s-{number}", 0, new_events(2)) for number in range(10)))
    await store.append_together([AppendRequest("a", 0, new_events(1)), AppendRequest("b", 0, new_events(2))])
    async with store.lead() as sequencer:
        counts = [await sequencer.sequence(limit) for limit in (0, 10, 10, 10, 10)]

    await database.execute("SELECT pg_notify('end', 'end')")
    await eventually(lambda: "end" in hints)
    assert counts == [0, 10, 10, 3, 0]
    assert hints == ["10", "20", "23", "end"]


async def test_a_hint_comes_once_the_events_can_be_read(store: PostgresEventStore, session: asyncpg.Connection) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    await session.add_listener("onrecord_log", lambda *hint: seen.put_nowait(hint[-1]))
    await store.append("s", 0, new_events(3))

    async with store.lead() as sequencer:
        sequencing = asyncio.create_task(sequencer.sequence())
        async with asyncio.timeout(5):
            head = int(await seen.get())
        assert len(await store.read_all()) == head == 3
        await sequencing
