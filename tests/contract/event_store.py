"""The laws of a stream."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, NothingToAppendError
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.store import EventStore
from tests.contract.append_together import AppendTogetherContract
from tests.contract.global_order import GlobalOrderContract
from tests.support.events import append, ids, new_event, new_events, sequence_all


class StreamContract:
    """What appending to a stream and reading it promise."""

    async def test_a_stream_that_nobody_wrote_to_is_empty(self, store: EventStore) -> None:
        assert await store.read("never-written") == []

    async def test_an_append_returns_the_new_head(self, store: EventStore) -> None:
        assert await store.append("s", 0, new_events(2)) == 2
        assert await store.append("s", 2, new_events(3)) == 5

    async def test_positions_count_from_one_without_holes(self, store: EventStore) -> None:
        await store.append("s", 0, new_events(2))
        await store.append("s", 2, new_events(3))

        assert [event.position for event in await store.read("s")] == [1, 2, 3, 4, 5]

    async def test_events_are_read_in_the_order_in_which_they_were_appended(self, store: EventStore) -> None:
        events = new_events(20)
        await store.append("s", 0, events[:7])
        await store.append("s", 7, events[7:])

        assert ids(await store.read("s")) == ids(events)

    async def test_streams_do_not_see_each_other(self, store: EventStore) -> None:
        mine, yours = new_event(), new_event()
        await store.append("mine", 0, [mine])
        await store.append("yours", 0, [yours])

        assert ids(await store.read("mine")) == [mine.id]

    async def test_reading_after_a_position_leaves_out_what_is_known(self, store: EventStore) -> None:
        events = new_events(4)
        await store.append("s", 0, events)

        assert ids(await store.read("s", after=1)) == ids(events[1:])
        assert await store.read("s", after=4) == []
        assert await store.read("s", after=9) == []

    async def test_every_field_is_stored_as_it_was(self, store: EventStore) -> None:
        moment = datetime(2026, 3, 29, 1, 59, 59, 999_999, UTC)
        payload = bytes(range(256)) + "Zoë said: ja, 録画 🎥".encode()
        event = NewEvent(uuid4(), "consent.given.v1", payload, moment, "participant:Zoë-🎥", uuid4(), uuid4())
        await store.append("consent-ä", 0, [event])

        [stored] = await store.read("consent-ä")

        kept = stored._asdict()
        assert (kept.pop("stream"), kept.pop("position"), kept.pop("global_position")) == ("consent-ä", 1, None)
        assert kept == asdict(event)
        assert stored.occurred_at.isoformat() == "2026-03-29T01:59:59.999999+00:00"

    async def test_a_moment_of_another_zone_is_read_in_utc(self, store: EventStore) -> None:
        moment = datetime.fromisoformat("2026-07-01T12:00:00.000001+02:00")
        event = NewEvent(uuid4(), "t.v1", b"", moment, "a", uuid4(), uuid4())
        await store.append("s", 0, [event])

        [stored] = await store.read("s")

        assert stored.occurred_at.isoformat() == "2026-07-01T10:00:00.000001+00:00"

    @pytest.mark.parametrize("payload", [b"", b'{ "spaces":  1 }\n', b"x" * 1_000_000], ids=["empty", "spaced", "long"])
    async def test_a_payload_is_kept_to_the_byte(self, store: EventStore, payload: bytes) -> None:
        await store.append("s", 0, [new_event(payload)])

        [stored] = await store.read("s")

        assert stored.payload == payload

    @pytest.mark.parametrize("expected", [-1, 0, 1, 3])
    async def test_who_expects_another_head_is_refused_and_told_the_real_one(
        self, store: EventStore, expected: int
    ) -> None:
        await store.append("s", 0, new_events(2))

        with pytest.raises(ConcurrencyConflictError) as refusal:
            await store.append("s", expected, new_events(1))

        assert (refusal.value.stream, refusal.value.expected, refusal.value.actual) == ("s", expected, 2)
        assert len(await store.read("s")) == 2

    async def test_who_expects_a_stream_that_is_not_there_is_told_zero(self, store: EventStore) -> None:
        with pytest.raises(ConcurrencyConflictError) as refusal:
            await store.append("s", 3, new_events(1))

        assert refusal.value.actual == 0
        assert await store.read("s") == []

    @pytest.mark.parametrize("sequenced", [False, True], ids=["one that waits", "one that is sequenced"])
    async def test_a_batch_with_a_known_event_is_not_stored_at_all(self, store: EventStore, *, sequenced: bool) -> None:
        known = new_event()
        await store.append("other", 0, [known])
        if sequenced:
            await sequence_all(store)
        await store.append("s", 0, new_events(1))

        with pytest.raises(DuplicateEventError):
            await store.append("s", 1, [new_event(), known, new_event()])

        assert len(await store.read("s")) == 1
        assert await store.append("s", 1, new_events(1)) == 2, "the refused batch has moved the head"

    async def test_a_batch_that_holds_an_event_twice_is_not_stored_at_all(self, store: EventStore) -> None:
        event = new_event()

        with pytest.raises(DuplicateEventError):
            await store.append("s", 0, [new_event(), event, event])

        assert await store.read("s") == []
        assert await store.append("s", 0, new_events(1)) == 1, "the refused batch has moved the head"

    async def test_an_event_may_be_appended_after_its_batch_was_refused(self, store: EventStore) -> None:
        event = new_event()
        with pytest.raises(ConcurrencyConflictError):
            await store.append("s", 5, [event])

        assert await store.append("s", 0, [event]) == 1

    @pytest.mark.parametrize("expected", [0, 1, 2])
    async def test_an_append_of_nothing_is_refused(self, store: EventStore, expected: int) -> None:
        await store.append("s", 0, new_events(1))

        with pytest.raises(NothingToAppendError):
            await store.append("s", expected, [])
        with pytest.raises(NothingToAppendError):
            await store.append("never-written", expected, [])

    async def test_of_those_who_append_to_one_stream_at_once_exactly_one_wins_each_position(
        self, store: EventStore
    ) -> None:
        await store.append("s", 0, new_events(3))
        outcomes = await asyncio.gather(
            *(store.append("s", 3, new_events(2)) for _ in range(20)), return_exceptions=True
        )

        refusals = [outcome for outcome in outcomes if isinstance(outcome, ConcurrencyConflictError)]
        assert [outcome for outcome in outcomes if outcome not in refusals] == [5]
        assert {refusal.actual for refusal in refusals} == {5}
        assert [event.position for event in await store.read("s")] == [1, 2, 3, 4, 5]

    async def test_those_who_begin_one_stream_at_once_do_not_both_succeed(self, store: EventStore) -> None:
        outcomes = await asyncio.gather(
            *(store.append("new", 0, new_events(1)) for _ in range(10)), return_exceptions=True
        )

        assert len([outcome for outcome in outcomes if isinstance(outcome, ConcurrencyConflictError)]) == 9
        assert 1 in outcomes

    async def test_those_who_append_to_different_streams_at_once_all_succeed(self, store: EventStore) -> None:
        async def write(stream: str) -> None:
            for _ in range(5):
                await append(store, stream, new_events(2))

        streams = [f"s-{number}" for number in range(20)]
        await asyncio.gather(*map(write, streams))

        for stream in streams:
            assert [event.position for event in await store.read(stream)] == list(range(1, 11))


class EventStoreContract(StreamContract, AppendTogetherContract, GlobalOrderContract):
    """All that an event store promises. A subclass gives the fixture `store`: an empty one."""
