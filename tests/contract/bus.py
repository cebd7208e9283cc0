"""The laws of events on the bus."""

from __future__ import annotations

import asyncio

import pytest

from shared.messaging.errors import BusUnavailableError
from shared.messaging.message import Message
from shared.messaging.topology import RECORDER_ASSIGNMENTS, live_queue
from tests.contract.commands import CommandsContract
from tests.contract.failures import FailuresContract
from tests.contract.lanes import LanesContract
from tests.support.broker import Broker, Heard, declare, events_queue, message, messages, payloads
from tests.support.broker import subscribed_in_background as in_background
from tests.support.eventually import eventually

QUEUE = events_queue("test.events")


class EventsContract:
    """What publishing and subscribing promise."""

    async def test_an_event_reaches_every_queue_that_is_bound_to_it_and_no_other(self, broker: Broker) -> None:
        bus, wide, exact, other = await broker.connect(), Heard(), Heard(), Heard()
        async with (
            bus.subscribe(events_queue("test.wide", "recording.#"), wide.handle),
            bus.subscribe(events_queue("test.exact", "recording.started.v1", "end"), exact.handle),
            bus.subscribe(events_queue("test.other", "consent.*.v1", "end"), other.handle),
        ):
            await bus.publish([message("a", "recording.started.v1"), message("b", "recording.stopped.v1")])
            await bus.publish([message("c", "consent.given.v1"), message("d", "consent.given.v1.old")])
            await bus.publish([message("e", "end")])

            await eventually(lambda: wide.payloads == [b"a", b"b"])
            await eventually(lambda: exact.payloads == [b"a", b"e"])
            await eventually(lambda: other.payloads == [b"c", b"e"])

    async def test_an_event_reaches_other_processes(self, broker: Broker) -> None:
        here, there, heard = await broker.connect(), await broker.connect(), Heard()
        async with there.subscribe(QUEUE, heard.handle):
            await here.publish(messages(1))

            await eventually(lambda: heard.payloads == payloads(1))

    async def test_the_queues_of_the_services_are_there_before_the_services_are(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        await bus.publish([message("early", "recording.requested.v1")])

        async with bus.subscribe(RECORDER_ASSIGNMENTS, heard.handle):
            await eventually(lambda: heard.payloads == [b"early"])

    async def test_a_message_arrives_as_it_was_sent(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        headers = {"stream": "room-ä", "actor": "participant:Zoë-🎥", "empty": "", "long": "x" * 5000}
        sent = [
            Message("thing.happened.v1", bytes(range(256)), headers=headers),
            Message("thing.happened.v1", b""),
            Message("thing.happened.v1", b"\x00\xff" * 500_000),
        ]
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(sent)

            await eventually(lambda: heard.messages == sent)

    async def test_events_without_a_stream_are_handled_in_the_order_in_which_they_were_published(
        self, broker: Broker
    ) -> None:
        bus, heard = await broker.connect(), Heard()
        async with bus.subscribe(QUEUE, heard.handle):
            for first in range(0, 200, 50):
                await bus.publish(messages(*range(first, first + 50)))

            await eventually(lambda: len(heard.messages) == 200)

        assert heard.payloads == payloads(*range(200))

    async def test_events_without_a_stream_are_handled_one_at_a_time(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(*range(30)))

            await eventually(lambda: len(heard.messages) == 30)

        assert heard.most_at_once == 1

    async def test_replicas_share_a_queue_and_each_event_is_handled_by_one_of_them(self, broker: Broker) -> None:
        one, two, heard = await broker.connect(), await broker.connect(), Heard()
        async with one.subscribe(QUEUE, heard.handle), two.subscribe(QUEUE, heard.handle):
            await one.publish(messages(*range(40)))

            await eventually(lambda: len(heard.messages) >= 40)

        assert sorted(heard.payloads) == sorted(payloads(*range(40)))

    async def test_what_is_being_handled_at_the_end_is_handled_to_its_end_and_the_rest_is_the_next_ones(
        self, broker: Broker
    ) -> None:
        one, two, later = await broker.connect(), await broker.connect(), Heard()
        begun: list[bytes] = []
        ended: list[bytes] = []
        may_end = asyncio.Event()

        async def slowly(incoming: Message) -> None:
            begun.append(incoming.payload)
            await may_end.wait()
            ended.append(incoming.payload)

        async with in_background(one, QUEUE, slowly) as end:
            await one.publish(messages(1, 2, 3))
            await eventually(lambda: begun)
            ending = asyncio.create_task(end())
            async with two.subscribe(QUEUE, later.handle):

                async def is_ending() -> bool:
                    await one.publish(messages(4))
                    return b"4" in later.payloads

                await eventually(is_ending)
                assert not ending.done()
                assert set(later.payloads) == {b"4"}, "what waits for a message goes on when that is done"
                may_end.set()
                await ending
                await eventually(lambda: b"3" in later.payloads)

        assert begun == ended == payloads(1)
        assert [payload for payload in later.payloads if payload != b"4"] == payloads(2, 3)

    async def test_a_subscription_whose_body_fails_ends_in_order_too(self, broker: Broker) -> None:
        bus, heard, later = await broker.connect(), Heard(), Heard()
        with pytest.raises(LookupError):
            async with bus.subscribe(QUEUE, heard.handle):
                raise LookupError

        await bus.publish(messages(1))
        async with bus.subscribe(QUEUE, later.handle):
            await eventually(lambda: later.payloads == payloads(1))
        assert heard.messages == []

    async def test_a_shared_queue_keeps_what_nobody_listens_to(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        await declare(bus, QUEUE)
        await bus.publish(messages(1, 2))

        async with (await broker.connect()).subscribe(QUEUE, heard.handle):
            await eventually(lambda: heard.payloads == payloads(1, 2))

    async def test_every_process_hears_everything_on_its_live_queue(self, broker: Broker) -> None:
        one, two, first, second = await broker.connect(), await broker.connect(), Heard(), Heard()
        async with (
            one.subscribe(live_queue("gateway", "one"), first.handle),
            two.subscribe(live_queue("gateway", "two"), second.handle),
        ):
            await one.publish(messages(1, 2, 3))

            await eventually(lambda: first.payloads == second.payloads == payloads(1, 2, 3))

    async def test_a_live_queue_ends_with_its_subscription(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        queue = live_queue("gateway", "one")
        await declare(bus, queue)
        await bus.publish(messages(1))

        async with bus.subscribe(queue, heard.handle):
            await bus.publish(messages(2))
            await eventually(lambda: heard.messages)
        assert heard.payloads == payloads(2)

    async def test_publishing_nothing_is_no_fault(self, broker: Broker) -> None:
        await (await broker.connect()).publish([])

    async def test_a_closed_bus_refuses_everything(self, broker: Broker) -> None:
        bus = await broker.connect()
        await bus.close()

        with pytest.raises(BusUnavailableError) as failed:
            await bus.publish(messages(1))
        assert failed.value.confirmed == 0
        with pytest.raises(BusUnavailableError):
            await bus.ask("test", message("?"), within=5)
        with pytest.raises(BusUnavailableError):
            await declare(bus, QUEUE)


class BusContract(EventsContract, LanesContract, CommandsContract, FailuresContract):
    """All that a bus promises. A subclass gives the fixture `broker`: one that nobody has used."""
