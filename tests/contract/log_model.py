"""An event log of plain lists, and random work to compare it with a real one by."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st

from shared.eventsourcing.errors import ConcurrencyConflictError
from shared.eventsourcing.store import EventStore
from tests.contract.global_order import assert_streams_in_order, places
from tests.support.events import ids, new_events, sequence_all

#: What is done, to which stream, how far off its head, with how many events.
Step = tuple[str, str, int, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from("abc"), st.sampled_from([0, 0, 0, 1, -1]), st.integers(1, 4)),
        st.tuples(st.just("sequence"), st.just(""), st.just(0), st.integers(1, 6)),
    ),
    max_size=14,
)


async def assert_like_the_model(store: EventStore, steps: list[Step]) -> None:
    """Do the steps on the store, whatever it holds already, and find in it what the model says."""
    await sequence_all(store)
    model = _Model(await store.head())
    for action, stream, off, count in steps:
        await (model.append(store, stream, off, count) if action == "append" else model.sequence(store, count))
    await model.compare(store)


class _Model:
    """It knows only what was written through it."""

    def __init__(self, begin: int) -> None:
        self._begin = begin
        self._prefix = uuid4().hex
        self._streams: dict[str, list[UUID]] = defaultdict(list)
        self._pending = 0

    async def append(self, store: EventStore, name: str, off: int, count: int) -> None:
        stream, events = self._prefix + name, new_events(count)
        known = self._streams[stream]
        if off:
            with pytest.raises(ConcurrencyConflictError) as refusal:
                await store.append(stream, len(known) + off, events)
            assert refusal.value.actual == len(known)
            return
        assert await store.append(stream, len(known), events) == len(known) + count
        known.extend(ids(events))
        self._pending += count

    async def sequence(self, store: EventStore, limit: int) -> None:
        async with store.lead() as sequencer:
            assert await sequencer.sequence(limit) == min(limit, self._pending)
        self._pending -= min(limit, self._pending)

    async def compare(self, store: EventStore) -> None:
        written = {event_id for known in self._streams.values() for event_id in known}
        log = await store.read_all(self._begin)
        assert places(log) == [self._begin + n for n in range(1, len(written) - self._pending + 1)]
        assert set(ids(log)) <= written
        assert_streams_in_order(log)
        for stream, known in self._streams.items():
            assert ids(await store.read(stream)) == known
