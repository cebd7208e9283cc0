"""The laws of order: what waits for what."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.message import Message
from shared.messaging.topology import live_queue
from tests.support.broker import Broker, Heard, events_queue, message
from tests.support.eventually import eventually

QUEUE = events_queue("test.lanes")
STREAMS = ("room-a", "room-b", "room-c")


def told(count: int) -> list[Message]:
    """Events of several streams, turn by turn."""
    return [message(f"{stream} {number}", stream=stream) for number in range(count) for stream in STREAMS]


def by_stream(messages: list[Message]) -> dict[str, list[bytes]]:
    streams: dict[str, list[bytes]] = defaultdict(list)
    for incoming in messages:
        streams[incoming.headers["stream"]].append(incoming.payload)
    return streams


class LanesContract:
    """What is handled in order, and what at the same time."""

    async def test_events_of_one_stream_are_handled_one_at_a_time_and_in_order(self, broker: Broker) -> None:
        """Seen to fail when every message has a lane of its own."""
        bus, heard = await broker.connect(), {stream: Heard() for stream in STREAMS}

        async def handle(incoming: Message) -> None:
            await heard[incoming.headers["stream"]].handle(incoming)

        async with bus.subscribe(QUEUE, handle):
            await bus.publish(told(40))
            await eventually(lambda: all(len(stream.messages) == 40 for stream in heard.values()))

        for stream in STREAMS:
            assert heard[stream].payloads == [f"{stream} {number}".encode() for number in range(40)]
            assert heard[stream].most_at_once == 1

    async def test_events_of_different_streams_are_handled_at_the_same_time(self, broker: Broker) -> None:
        """Seen to fail when a subscription handles one message at a time."""
        bus, together = await broker.connect(), asyncio.Barrier(len(STREAMS))

        async def meet(_: Message) -> None:
            await together.wait()
            done.append(1)

        done: list[int] = []
        async with bus.subscribe(QUEUE, meet):
            await bus.publish(told(3))
            await eventually(lambda: len(done) == 9)

    async def test_no_more_are_handled_at_once_than_may_be_on_their_way(self, broker: Broker) -> None:
        bus, narrow = await broker.connect(), events_queue("test.narrow", prefetch=3)
        at_work, peaks, go_on = set[bytes](), list[int](), asyncio.Event()

        async def handle(incoming: Message) -> None:
            at_work.add(incoming.payload)
            peaks.append(len(at_work))
            await go_on.wait()
            at_work.remove(incoming.payload)

        async with bus.subscribe(narrow, handle):
            await bus.publish([message(number, stream=f"room-{number}") for number in range(9)])
            await eventually(lambda: len(at_work) == 3)
            go_on.set()
            await eventually(lambda: len(peaks) == 9)

        assert max(peaks) == 3

    async def test_a_message_that_is_tried_again_delays_its_own_stream_and_no_other(self, broker: Broker) -> None:
        """Seen to fail when a subscription handles one message at a time."""
        bus, heard = await broker.connect(), list[bytes]()

        async def handle(incoming: Message) -> None:
            heard.append(incoming.payload)
            if incoming.payload == b"room-a 0" and b"room-c 2" not in heard:
                raise LogUnavailableError("until the others are through")

        async with bus.subscribe(QUEUE, handle):
            await bus.publish(told(3))
            await eventually(lambda: b"room-a 2" in heard)

        of_a = [payload for payload in heard if payload.startswith(b"room-a")]
        assert of_a == [b"room-a 0"] * (len(of_a) - 2) + [b"room-a 1", b"room-a 2"]
        assert heard.index(b"room-a 1") > max(heard.index(b"room-b 2"), heard.index(b"room-c 2"))

    async def test_on_a_live_queue_all_are_handled_one_at_a_time_in_the_order_of_the_log(self, broker: Broker) -> None:
        """Seen to fail when a live queue is ordered by stream alone."""
        bus, heard = await broker.connect(), Heard(RuntimeError("once"), of=b"room-b 1")
        sent = [event.payload for event in told(20)]
        async with bus.subscribe(live_queue("gateway", "one"), heard.handle):
            await bus.publish(told(20))
            await eventually(lambda: len(heard.messages) == len(sent) + 1)

        again = sent.index(b"room-b 1")
        assert heard.payloads == [*sent[: again + 1], *sent[again:]]
        assert heard.most_at_once == 1
