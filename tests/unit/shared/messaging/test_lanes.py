"""Lanes by themselves."""

from __future__ import annotations

import asyncio

from shared.messaging.lanes import Lanes, lane
from shared.messaging.topology import Order
from tests.support.eventually import eventually


class Work:
    """What is handled, and goes on when it may."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Event()

    async def handle(self, item: str) -> None:
        self.begun.append(item)
        await self.may_end.wait()


async def test_what_waits_can_be_let_go_of_and_its_lanes_go_on_with_what_comes_then() -> None:
    """Seen to fail when what waits stays: a consumer that is lost again and again would pile it up."""
    work = Work()
    lanes = Lanes(work.handle, at_once=2)
    for item in ("a1", "b1", "a2", "c1", "c2"):
        lanes.put(item[0], item)
    await eventually(lambda: work.begun == ["a1", "b1"])

    assert sorted(lanes.forget()) == ["a2", "c1", "c2"]
    assert lanes.forget() == []
    for item in ("a3", "c3"):
        lanes.put(item[0], item)
    work.may_end.set()
    await eventually(lambda: len(work.begun) == 4)
    assert sorted(work.begun) == ["a1", "a3", "b1", "c3"]


async def test_what_waits_for_nothing_can_be_let_go_of_alone() -> None:
    """Seen to fail when all that waits is let go of: others would handle a2 while a1 is still being handled."""
    work = Work()
    lanes = Lanes(work.handle, at_once=2)
    for item in ("a1", "b1", "a2", "c1", "c2"):
        lanes.put(item[0], item)
    await eventually(lambda: work.begun == ["a1", "b1"])

    assert lanes.surrender() == ["c1", "c2"]
    assert lanes.forget() == ["a2"]


async def test_after_the_end_nothing_is_begun() -> None:
    work = Work()
    lanes = Lanes(work.handle, at_once=2)
    lanes.put("a", "a1")
    await eventually(lambda: work.begun)
    lanes.close()
    lanes.put("a", "a2")
    lanes.put("b", "b1")
    work.may_end.set()
    await lanes.end()

    assert work.begun == ["a1"]
    assert sorted(lanes.forget()) == ["a2", "b1"]


def test_the_log_is_one_lane_a_stream_is_one_and_without_order_each_message_is() -> None:
    room_a, room_b = {"stream": "room-a"}, {"stream": "room-b"}
    assert lane(Order.LOG, room_a) == lane(Order.LOG, room_b)
    assert lane(Order.STREAM, room_a) == lane(Order.STREAM, room_a) != lane(Order.STREAM, room_b)
    assert lane(Order.STREAM, {}) == lane(Order.STREAM, {})
    assert lane(Order.NONE, room_a) != lane(Order.NONE, room_a)
