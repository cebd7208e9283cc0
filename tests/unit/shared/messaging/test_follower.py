from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.message import Event
from shared.contracts.room import RoomCreated
from shared.contracts.watermark import Watermark
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import UnknownEventTypeError
from shared.eventsourcing.event import StoredEvent
from shared.messaging.follower import Follower
from shared.messaging.message import Message, contract_message, event_message
from tests.support.events import new_event
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at

CONTEXT = Context.begin("service:test")


class Following:
    """A log of rooms, and a follower that remembers what it was fed."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.seen: list[int] = []
        self.follower = Follower(self.store, self._apply)

    async def write(self, count: int) -> None:
        for number in range(count):
            room = RoomCreated(at=at(number), room_id="r")
            await self.store.append(f"room-{await self.store.head()}", 0, [encode(room, CONTEXT)])
            await self.store.sequence()

    async def hear(self, *positions: int) -> None:
        """Receive these events of the log from the bus, in this order."""
        log = await self.store.read_all()
        for position in positions:
            await self.follower.receive(log[position - 1])

    def _apply(self, event: Event, stored: StoredEvent) -> None:
        assert isinstance(event, RoomCreated)
        self.seen.append(stored.global_position or 0)


async def following(count: int) -> Following:
    following = Following()
    await following.write(count)
    return following


async def test_catching_up_applies_everything_once_and_in_order() -> None:
    following_ = await following(5)
    await following_.follower.catch_up()
    await following_.follower.catch_up()
    assert following_.seen == [1, 2, 3, 4, 5]
    assert following_.follower.position == 5


async def test_a_log_longer_than_a_page_is_read_to_its_end() -> None:
    following_ = await following(2001)
    await following_.follower.catch_up()
    assert following_.seen == list(range(1, 2002))


async def test_the_next_event_from_the_bus_is_applied() -> None:
    following_ = await following(3)
    await following_.hear(1, 2, 3)
    assert following_.seen == [1, 2, 3]


async def test_an_old_event_is_dropped() -> None:
    following_ = await following(3)
    await following_.hear(1, 2, 1, 2, 2, 3, 1)
    assert following_.seen == [1, 2, 3]


async def test_a_hole_is_filled_from_the_log() -> None:
    following_ = await following(4)
    await following_.hear(1, 4)
    assert following_.seen == [1, 2, 3, 4]


async def test_what_was_read_from_the_log_is_dropped_when_the_bus_brings_it() -> None:
    following_ = await following(3)
    await following_.follower.catch_up()
    await following_.hear(2, 3)
    assert following_.seen == [1, 2, 3]


async def test_catching_up_to_a_target_that_was_reached_reads_nothing() -> None:
    following_ = await following(2)
    await following_.hear(1, 2)
    await following_.write(1)
    await following_.follower.catch_up(2)
    assert following_.seen == [1, 2]


async def test_catching_up_to_a_target_that_the_log_does_not_hold_yet_ends() -> None:
    following_ = await following(2)
    await following_.follower.catch_up(9)
    assert following_.seen == [1, 2]


async def test_an_event_without_a_global_position_is_left_to_the_log() -> None:
    following_ = await following(1)
    (stored,) = await following_.store.read("room-0")
    await following_.follower.receive(stored._replace(global_position=None))
    assert following_.seen == []


async def test_those_who_catch_up_at_once_apply_everything_once() -> None:
    following_ = await following(50)
    log = await following_.store.read_all()
    receiving = [following_.follower.receive(stored) for stored in reversed(log)]
    await asyncio.gather(*receiving, following_.follower.catch_up(), following_.follower.catch_up(30))
    assert following_.seen == list(range(1, 51))


async def test_an_event_that_cannot_be_read_is_not_passed_over() -> None:
    following_ = await following(1)
    await following_.store.append("thing-1", 0, [new_event()])
    await following_.store.sequence()
    for _ in range(2):
        with pytest.raises(UnknownEventTypeError):
            await following_.follower.catch_up()
    assert (following_.seen, following_.follower.position) == ([1], 1)


def heard(watermark: Watermark) -> Message:
    return contract_message(watermark, Watermark.type)


async def test_a_watermark_is_handed_on_when_all_before_it_is_applied() -> None:
    following_ = await following(3)
    watermark = Watermark(at=at(9), global_position=3)
    assert await following_.follower.hear(heard(watermark)) == watermark
    assert following_.seen == [1, 2, 3]


async def test_an_event_that_cannot_be_read_stops_the_follower_for_good_and_says_why() -> None:
    """Seen to fail without the fault that is kept: the watermark was handed on over the event that was not applied."""
    following_ = await following(2)
    await following_.store.append("thing-1", 0, [new_event()])
    await following_.store.sequence()
    await following_.write(1)
    log = await following_.store.read_all()

    for stored in log:
        assert await following_.follower.hear(event_message(stored)) is None
    assert await following_.follower.hear(heard(Watermark(at=at(9), global_position=4))) is None

    assert (following_.seen, following_.follower.position) == ([1, 2], 2)
    with pytest.raises(UnknownEventTypeError, match=r"event 1 of stream thing-1 is of type thing\.happened\.v1"):
        await following_.follower.until_stopped()


async def test_a_follower_that_reads_everything_is_never_stopped() -> None:
    following_ = await following(2)
    await following_.follower.hear(heard(Watermark(at=at(9), global_position=2)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(following_.follower.until_stopped(), 0.01)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 12), max_size=30))
def test_whatever_the_bus_brings_each_event_up_to_it_is_applied_once_and_in_order(positions: list[int]) -> None:
    async def run() -> list[int]:
        following_ = await following(12)
        await following_.hear(*positions)
        return following_.seen

    seen = asyncio.run(run())
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= max(positions, default=0)
