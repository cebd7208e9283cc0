"""The laws of an append to several streams."""

from __future__ import annotations

import asyncio
import random

import pytest

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, NothingToAppendError
from shared.eventsourcing.event import AppendRequest
from shared.eventsourcing.store import EventStore
from tests.support.events import ids, new_event, new_events, sequence_all


class AppendTogetherContract:
    """What appending to several streams in one transaction promises."""

    async def test_all_streams_get_their_events(self, store: EventStore) -> None:
        mine, yours = new_events(3), new_events(2)
        await store.append("yours", 0, yours[:1])

        await store.append_together([AppendRequest("yours", 1, yours[1:]), AppendRequest("mine", 0, mine)])

        assert ids(await store.read("mine")) == ids(mine)
        assert ids(await store.read("yours")) == ids(yours)

    async def test_all_of_them_get_global_positions(self, store: EventStore) -> None:
        await store.append_together([AppendRequest(stream, 0, new_events(2)) for stream in "cab"])

        assert await sequence_all(store) == 6
        assert {event.stream for event in await store.read_all()} == {"a", "b", "c"}

    @pytest.mark.parametrize("wrong", ["a", "m", "z"], ids=["the first", "one between", "the last"])
    async def test_a_conflict_in_one_stream_is_told_and_none_gets_anything(self, store: EventStore, wrong: str) -> None:
        await store.append(wrong, 0, new_events(2))
        requests = [AppendRequest(stream, 5 if stream == wrong else 0, new_events(2)) for stream in "zam"]

        with pytest.raises(ConcurrencyConflictError) as refusal:
            await store.append_together(requests)

        assert (refusal.value.stream, refusal.value.expected, refusal.value.actual) == (wrong, 5, 2)
        assert [len(await store.read(stream)) for stream in "zam"] == [2 if stream == wrong else 0 for stream in "zam"]
        assert await sequence_all(store) == 2

    async def test_a_known_event_in_one_stream_keeps_all_from_being_stored(self, store: EventStore) -> None:
        known = new_event()
        await store.append("other", 0, [known])

        with pytest.raises(DuplicateEventError):
            await store.append_together([AppendRequest("a", 0, new_events(1)), AppendRequest("b", 0, [known])])

        assert await store.read("a") == await store.read("b") == []
        assert await store.append("a", 0, new_events(1)) == 1, "the refused append has moved the head"

    async def test_one_event_in_two_streams_is_refused(self, store: EventStore) -> None:
        event = new_event()

        with pytest.raises(DuplicateEventError):
            await store.append_together([AppendRequest("a", 0, [event]), AppendRequest("b", 0, [event])])

        assert await store.read("a") == await store.read("b") == []

    async def test_a_stream_that_is_named_twice_is_refused(self, store: EventStore) -> None:
        with pytest.raises(ValueError, match="stream a is named twice in one append: join its events in one request"):
            await store.append_together([AppendRequest(stream, 0, new_events(1)) for stream in "aba"])

        assert await store.read("a") == await store.read("b") == []

    async def test_a_request_without_events_is_refused(self, store: EventStore) -> None:
        with pytest.raises(NothingToAppendError):
            await store.append_together([AppendRequest("a", 0, new_events(1)), AppendRequest("b", 0, [])])

        assert await store.read("a") == []

    async def test_those_who_append_to_the_same_streams_in_any_order_neither_block_nor_half_apply(
        self, store: EventStore
    ) -> None:
        """Seen to fail when requests are not sorted: Postgres ends one of two that wait for each other."""
        chance, written = random.Random(20260321), 0
        for number in range(5):
            streams = [f"{number}-{stream}" for stream in range(40)]
            asked = [
                [AppendRequest(stream, 0, new_events(1)) for stream in chance.sample(streams, 30)] for _ in range(8)
            ]
            async with asyncio.timeout(20):
                outcomes = await asyncio.gather(*map(store.append_together, asked), return_exceptions=True)

            accepted = [requests for requests, outcome in zip(asked, outcomes, strict=True) if outcome is None]
            assert len(accepted) == 1, "two of them always have a stream in common"
            assert {type(outcome) for outcome in outcomes} == {type(None), ConcurrencyConflictError}
            for stream in streams:
                begun = [request.events for request in accepted[0] if request.stream == stream]
                assert ids(await store.read(stream)) == [event.id for events in begun for event in events]
            written += len(accepted[0])

        assert await sequence_all(store) == written
