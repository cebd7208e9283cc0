"""The laws of messages that cannot be handled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.errors import MalformedMessageError, NoAnswerError
from shared.messaging.message import Message
from shared.messaging.topology import Queue, live_queue
from tests.support.broker import (
    Broker,
    Heard,
    commands_queue,
    declare,
    events_queue,
    message,
    messages,
    payloads,
    subscribed_in_background,
)
from tests.support.eventually import eventually

QUEUE = events_queue("test.failing", attempts=3)
COMMANDS = commands_queue("failing", attempts=2)
FAULT = RuntimeError("the handler's own fault")
MALFORMED = MalformedMessageError("thing.happened.v1", "nonsense")


class FailuresContract:
    """What becomes of a message whose handler raises."""

    async def test_a_message_that_failed_comes_again_before_its_successors(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard(FAULT, FAULT, of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(0, 1, 2, 3))

            await eventually(lambda: len(heard.messages) >= 6)

        assert heard.payloads == payloads(0, 1, 1, 1, 2, 3)
        assert await broker.dead_letters(QUEUE) == []

    async def test_a_message_that_fails_as_often_as_it_may_goes_to_the_dead_letters(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard(*[FAULT] * 9, of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(0, 1, 2))

            await eventually(lambda: len(heard.messages) >= 5)
            await eventually(lambda: dead_letters_are(broker, payloads(1)))

        assert heard.payloads == payloads(0, 1, 1, 1, 2)

    async def test_each_pause_before_a_message_is_tried_again_is_longer_than_the_one_before(
        self, broker: Broker
    ) -> None:
        """Seen to fail with one pause for all attempts."""
        bus, tried = await broker.connect(), list[float]()

        async def fail(_: Message) -> None:
            tried.append(asyncio.get_running_loop().time())
            raise FAULT

        async with bus.subscribe(QUEUE, fail):
            await bus.publish(messages(1))
            await eventually(lambda: dead_letters_are(broker, payloads(1)))

        first, second = (later - sooner for sooner, later in pairwise(tried))
        assert first >= 0.1
        assert second >= 0.2, "more than the first may be meant to be"

    async def test_a_dead_letter_is_the_message_as_it_was_with_the_reason_beside_it(self, broker: Broker) -> None:
        """Seen to fail when left to the broker's own dead-lettering, which knows no reasons."""
        bus, heard = await broker.connect(), Heard(*[RuntimeError("no room left")] * 3, MALFORMED)
        poisoned = [
            Message("thing.happened.v1", bytes(range(256)), headers={"stream": "room-ä", "empty": ""}),
            message("nonsense", "other.v1"),
        ]
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(poisoned[:1])
            await eventually(lambda: dead_letters_are(broker, [poisoned[0].payload]))
            await bus.publish(poisoned[1:])
            await eventually(lambda: dead_letters_are(broker, [letter.payload for letter in poisoned]))

        letters = await broker.dead_letters(QUEUE)
        assert [(letter.type, letter.id) for letter in letters] == [(sent.type, sent.id) for sent in poisoned]
        failed, malformed = (own_headers(letter) for letter in letters)
        assert datetime.now(UTC) - datetime.fromisoformat(failed.pop("dead-letter-at")) < timedelta(minutes=1)
        assert failed == {
            "stream": "room-ä",
            "empty": "",
            "dead-letter-queue": "test.failing",
            "dead-letter-error": "RuntimeError",
            "dead-letter-reason": "no room left",
            "dead-letter-attempts": "3",
        }
        assert malformed["dead-letter-error"] == "MalformedMessageError"
        assert malformed["dead-letter-reason"] == "message of type thing.happened.v1 cannot be read: nonsense"
        assert malformed["dead-letter-attempts"] == "1"

    async def test_a_reason_is_as_long_as_headers_bear(self, broker: Broker) -> None:
        """Seen to fail without the cut: the broker closes a connection whose headers are as long as this reason."""
        bus = await broker.connect()
        heard = Heard(MalformedMessageError("thing.happened.v1", "ä" * 200_000), of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(1, 2))
            await eventually(lambda: dead_letters_are(broker, payloads(1)))

        (letter,) = await broker.dead_letters(QUEUE)
        assert len(letter.headers["dead-letter-reason"]) == 1000

    async def test_dead_letters_are_counted_by_queue_and_error(self, broker: Broker) -> None:
        before = dead_letters_counted("LookupError")
        bus, heard = await broker.connect(), Heard(*[LookupError()] * 3, of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(1, 2))
            await eventually(lambda: dead_letters_are(broker, payloads(1)))

        assert dead_letters_counted("LookupError") == before + 1

    async def test_a_malformed_message_goes_to_the_dead_letters_at_once(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard(MALFORMED, of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(0, 1, 2))

            await eventually(lambda: len(heard.messages) >= 3)
            await eventually(lambda: dead_letters_are(broker, payloads(1)))

        assert heard.payloads == payloads(0, 1, 2)

    async def test_that_the_log_is_away_is_waited_out_and_not_held_against_the_message(self, broker: Broker) -> None:
        away = LogUnavailableError("restarting")
        bus, heard = await broker.connect(), Heard(FAULT, away, away, away, FAULT, of=b"1")
        async with bus.subscribe(QUEUE, heard.handle):
            await bus.publish(messages(1, 2))

            await eventually(lambda: len(heard.messages) >= 7)

        assert heard.payloads == payloads(1, 1, 1, 1, 1, 1, 2)
        assert await broker.dead_letters(QUEUE) == []

    async def test_a_message_that_was_failing_at_the_end_is_the_next_ones(self, broker: Broker) -> None:
        bus, heard, later = await broker.connect(), Heard(*[LogUnavailableError("away")] * 99), Heard()
        await declare(bus, QUEUE)
        await bus.publish(messages(1, 2))  # before, so that both are on their way together
        async with subscribed_in_background(bus, QUEUE, heard.handle) as end:
            await eventually(lambda: heard.messages)
            await end()

        async with (await broker.connect()).subscribe(QUEUE, later.handle):
            await eventually(lambda: len(later.messages) >= 2)
        assert later.payloads == payloads(1, 2)
        assert set(heard.payloads) == {b"1"}

    async def test_a_live_queue_has_dead_letters_too(self, broker: Broker) -> None:
        bus, heard, queue = await broker.connect(), Heard(MALFORMED, of=b"1"), live_queue("gateway", "one")
        async with bus.subscribe(queue, heard.handle):
            await bus.publish(messages(1, 2))

            await eventually(lambda: heard.payloads == payloads(1, 2))
            await eventually(lambda: dead_letters_are(broker, payloads(1), queue))

    async def test_a_command_that_failed_is_decided_again(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard(FAULT)
        async with bus.answer(COMMANDS, heard.answer):
            answer = await bus.ask("failing", message("do"), within=5)

        assert answer.payload == b"answer to do"
        assert heard.payloads == [b"do", b"do"]

    async def test_a_command_that_nobody_can_decide_goes_to_the_dead_letters(self, broker: Broker) -> None:
        bus, faults = await broker.connect(), {b"fails": FAULT, b"is malformed": MALFORMED}

        async def fail(command: Message) -> Message:
            raise faults[command.payload]

        async with bus.answer(COMMANDS, fail):
            for number, command in enumerate(faults, 1):
                with pytest.raises(NoAnswerError):
                    await bus.ask("failing", message(command), within=1)
                await eventually(partial(dead_letters_are, broker, list(faults)[:number], COMMANDS))


def own_headers(letter: Message) -> dict[str, str]:
    """Return the headers without those that a broker adds to each delivery."""
    return {name: value for name, value in letter.headers.items() if not name.startswith("x-")}


def dead_letters_counted(error: str) -> float:
    labels = {"queue": QUEUE.name, "type": error}
    return REGISTRY.get_sample_value("onrecord_dead_letters_total", labels) or 0


async def dead_letters_are(broker: Broker, expected: list[bytes], queue: Queue = QUEUE) -> bool:
    return [letter.payload for letter in await broker.dead_letters(queue)] == expected
