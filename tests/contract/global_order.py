"""The laws of the log as a whole: one order of all events, without holes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest

from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from tests.support.events import append, ids, new_event, new_events, sequence_all
from tests.support.eventually import eventually


class GlobalOrderContract:
    """What the sequencer and reading the log promise."""

    async def test_an_empty_log_has_head_zero(self, store: EventStore) -> None:
        assert await store.head() == 0
        assert await store.read_all() == []

    async def test_an_event_is_not_in_the_log_before_it_is_sequenced(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(1))

        assert await store.read_all() == []
        assert await store.head() == 0
        assert [event.global_position for event in await store.read("s")] == [None]

    async def test_a_sequenced_event_is_the_same_in_its_stream_and_in_the_log(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(1))
        await sequence_all(store)

        [event] = await store.read("s")

        assert event.global_position == 1
        assert await store.read_all() == [event]
        assert await store.head() == 1

    async def test_global_positions_count_from_one_without_holes(self, store: EventStore) -> None:
        for stream in ("a", "b", "a", "c"):
            await append(store, stream, new_events(3))
            await sequence_all(store)

        log = await store.read_all()

        assert [event.global_position for event in log] == list(range(1, 13))
        assert await store.head() == 12

    async def test_the_log_is_read_page_by_page(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(10))
        await sequence_all(store)

        assert places(await store.read_all(0, 4)) == [1, 2, 3, 4]
        assert places(await store.read_all(4, 4)) == [5, 6, 7, 8]
        assert places(await store.read_all(8, 4)) == [9, 10]
        assert places(await store.read_all(10, 4)) == []

    async def test_sequencing_takes_no_more_than_asked_and_says_how_many(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(7))

        async with store.lead() as sequencer:
            counts = [await sequencer.sequence(3) for _ in range(4)]

        assert counts == [3, 3, 1, 0]
        assert await store.head() == 7

    async def test_each_stream_keeps_its_order_in_the_log(self, store: EventStore) -> None:
        for number in range(12):
            await append(store, f"s-{number % 3}", new_events(1 + number % 4))
        async with store.lead() as sequencer:
            while await sequencer.sequence(5):
                pass

        assert_streams_in_order(await store.read_all())

    async def test_a_refused_append_costs_no_global_position(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(1))
        with pytest.raises(ConcurrencyConflictError):
            await store.append("s", 0, new_events(1))
        await store.append("s", 1, new_events(1))
        await sequence_all(store)

        assert places(await store.read_all()) == [1, 2]

    async def test_nothing_is_missing_or_double_while_many_append_and_one_sequences(self, store: EventStore) -> None:
        async def write(stream: str) -> None:
            for _ in range(15):
                await append(store, stream, new_events(2))

        async def keep_sequencing() -> None:
            async with store.lead() as sequencer:
                while True:
                    await sequencer.sequence(7)
                    await asyncio.sleep(0)

        sequencing = asyncio.create_task(keep_sequencing())
        await asyncio.gather(*(write(f"s-{number}") for number in range(8)))
        await eventually(lambda: _head_is(store, 240))
        sequencing.cancel()
        await asyncio.gather(sequencing, return_exceptions=True)

        log = await store.read_all()
        assert places(log) == list(range(1, 241))
        assert len(set(ids(log))) == 240
        assert_streams_in_order(log)

    async def test_only_one_leads_at_a_time_and_the_next_takes_over(self, store: EventStore) -> None:
        leading: list[str] = []
        let_go = {name: asyncio.Event() for name in "ab"}

        async def lead(name: str) -> None:
            async with store.lead():
                leading.append(name)
                await let_go[name].wait()
                assert leading[-1] == name, "another led at the same time"

        first = asyncio.create_task(lead("a"))
        await eventually(lambda: leading == ["a"])
        second = asyncio.create_task(lead("b"))
        await store.append("s", 0, new_events(1))  # time in which the second could wrongly come in
        assert leading == ["a"]

        let_go["a"].set()
        await first
        await eventually(lambda: leading == ["a", "b"])
        let_go["b"].set()
        await second

    async def test_a_leader_that_fails_or_is_cancelled_leaves_its_place(self, store: EventStore) -> None:
        async def lead_for_ever() -> None:
            async with store.lead() as sequencer:
                while True:
                    await sequencer.sequence()
                    await asyncio.sleep(0)

        for _ in range(3):
            leader = asyncio.create_task(lead_for_ever())
            await append(store, "s", [new_event()])
            await eventually(lambda: _all_sequenced(store, "s"))
            leader.cancel()
            await asyncio.gather(leader, return_exceptions=True)
        with pytest.raises(RuntimeError, match="the leader's own"):
            async with store.lead():
                raise RuntimeError("the leader's own")

        async with asyncio.timeout(5):
            await sequence_all(store)


def places(events: Sequence[StoredEvent]) -> list[int | None]:
    return [event.global_position for event in events]


def assert_streams_in_order(log: Sequence[StoredEvent]) -> None:
    positions: dict[str, list[int]] = defaultdict(list)
    for event in log:
        positions[event.stream].append(event.position)
    for stream, found in positions.items():
        assert found == list(range(1, len(found) + 1)), f"stream {stream} is out of order in the log"


async def _head_is(store: EventStore, position: int) -> bool:
    return await store.head() == position


async def _all_sequenced(store: EventStore, stream: str) -> bool:
    return all(event.global_position for event in await store.read(stream))
