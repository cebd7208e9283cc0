"""The laws of messages that cannot be handled."""

from __future__ import annotations

import pytest

from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.errors import MalformedMessageError, NoAnswerError
from shared.messaging.topology import live_queue
from tests.support.broker import (
    Broker,
    Heard,
    commands_queue,
    events_queue,
    message,
    messages,
    payloads,
    subscribed_in_background,
)
from tests.support.eventually import eventually

QUEUE = events_queue("test.failing", attempts=3)
ORDERED = events_queue("test.failing-ordered", ordered=True)
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
        async with subscribed_in_background(bus, ORDERED, heard.handle) as end:
            await bus.publish(messages(1, 2))
            await eventually(lambda: heard.messages)
            await end()

        async with (await broker.connect()).subscribe(ORDERED, later.handle):
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
        bus, heard = await broker.connect(), Heard(FAULT, FAULT, MALFORMED)
        async with bus.answer(COMMANDS, heard.answer):
            for command in ("fails", "is malformed"):
                with pytest.raises(NoAnswerError):
                    await bus.ask("failing", message(command), within=0.5)

        await eventually(lambda: dead_letters_are(broker, [b"fails", b"is malformed"], COMMANDS))


async def dead_letters_are(broker: Broker, expected: list[bytes], queue: object = QUEUE) -> bool:
    return await broker.dead_letters(queue) == expected  # type: ignore[arg-type]
