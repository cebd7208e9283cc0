"""The laws of commands on the bus."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest

from shared.contracts.consent import SetConsent
from shared.contracts.message import Command
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context
from shared.messaging.asking import Owners
from shared.messaging.errors import NoAnswerError
from shared.messaging.message import ACCEPTED, Message, asked_command
from shared.messaging.topology import CONSENT_COMMANDS
from tests.support.broker import Broker, Heard, answered_in_background, commands_queue, declare, message, payloads
from tests.support.eventually import eventually
from tests.support.moments import at

QUEUE = commands_queue("test")


class CommandsContract:
    """What asking and answering promise."""

    async def test_the_owner_of_a_command_answers_it(self, broker: Broker) -> None:
        here, there, heard = await broker.connect(), await broker.connect(), Heard()
        command = Message("thing.do.v1", b"now", headers={"actor": "Zoë"})
        async with there.answer(QUEUE, heard.answer):
            answer = await here.ask("test", command, within=5)

        assert (answer.type, answer.payload) == ("reply.v1", b"answer to now")
        assert heard.messages == [command]

    async def test_each_answer_reaches_the_one_who_asked_even_out_of_order(self, broker: Broker) -> None:
        askers = [await broker.connect(), await broker.connect()]
        turns = [asyncio.Event() for _ in range(8)]

        async def last_first(command: Message) -> Message:
            number = int(command.payload)
            if number + 1 < len(turns):
                await turns[number + 1].wait()
            turns[number].set()
            return message(f"answer to {number}")

        async with (await broker.connect()).answer(QUEUE, last_first):
            answers = await asyncio.gather(
                *(askers[number % 2].ask("test", message(number), within=5) for number in range(len(turns)))
            )

        assert [answer.payload for answer in answers] == [f"answer to {n}".encode() for n in range(len(turns))]

    async def test_a_command_that_is_asked_twice_is_answered_twice(self, broker: Broker) -> None:
        bus, heard, command = await broker.connect(), Heard(), message("again")
        async with bus.answer(QUEUE, heard.answer):
            answers = await asyncio.gather(*(bus.ask("test", command, within=5) for _ in range(3)))

        assert [answer.payload for answer in answers] == [b"answer to again"] * 3

    async def test_a_command_that_is_asked_again_in_its_context_is_the_same_message(self, broker: Broker) -> None:
        """Seen to fail with a new id for each time."""
        owners, asked = Owners(await broker.connect(), 5), list[tuple[Command, Context]]()
        word = SetConsent(at=at(), room_id="r", session_id="s", participant_id="ann", consent=False)
        context, another = Context("participant:ann", uuid4(), uuid4()), Context.begin("participant:ann")

        async def answer(command: Message) -> Message:
            asked.append(asked_command(command))
            return ACCEPTED

        async with (await broker.connect()).answer(CONSENT_COMMANDS, answer):
            for each in (context, context, another):
                await owners.ask(word, each, Accepted)

        assert asked == [(word, context), (word, context), (word, another)]

    async def test_no_more_commands_are_answered_at_once_than_may_be_on_their_way(self, broker: Broker) -> None:
        bus, narrow = await broker.connect(), commands_queue("narrow", prefetch=3)
        at_work: set[bytes] = set()
        peaks: list[int] = []
        go_on = asyncio.Event()

        async def answer(command: Message) -> Message:
            at_work.add(command.payload)
            peaks.append(len(at_work))
            await go_on.wait()
            at_work.remove(command.payload)
            return message("done")

        async with bus.answer(narrow, answer):
            asking = [asyncio.create_task(bus.ask("narrow", message(number), within=5)) for number in range(9)]
            await eventually(lambda: len(at_work) == 3)
            go_on.set()
            await asyncio.gather(*asking)

        assert max(peaks) == 3

    async def test_a_command_without_an_owner_is_not_answered_and_the_asker_is_told_in_time(
        self, broker: Broker
    ) -> None:
        bus, begin = await broker.connect(), time.monotonic()

        with pytest.raises(NoAnswerError, match=r"the nobody service did not answer thing.do.v1 within 0.3 s"):
            await bus.ask("nobody", message("?", "thing.do.v1"), within=0.3)

        assert 0.3 <= time.monotonic() - begin < 3

    async def test_a_command_is_decided_when_its_owner_comes_back(self, broker: Broker) -> None:
        bus, heard = await broker.connect(), Heard()
        await declare(bus, QUEUE)
        with pytest.raises(NoAnswerError):
            await bus.ask("test", message("given up"), within=1)
        waiting = asyncio.create_task(bus.ask("test", message("waiting"), within=10))

        async with (await broker.connect()).answer(QUEUE, heard.answer):
            assert (await waiting).payload == b"answer to waiting"
            await eventually(lambda: sorted(heard.payloads) == [b"given up", b"waiting"])

    async def test_commands_being_decided_at_the_end_are_answered_and_no_further_is_begun(self, broker: Broker) -> None:
        asker, owner, heard = await broker.connect(), await broker.connect(), Heard()
        begun: list[bytes] = []
        may_end = asyncio.Event()

        async def slowly(command: Message) -> Message:
            begun.append(command.payload)
            await may_end.wait()
            return message("slow answer")

        async with answered_in_background(owner, QUEUE, slowly) as end:
            asking = [asyncio.create_task(asker.ask("test", message(number), within=10)) for number in range(3)]
            await eventually(lambda: len(begun) == 3)
            ending = asyncio.create_task(end())
            await asyncio.sleep(0)  # from here on, the end has begun
            asking.append(asyncio.create_task(asker.ask("test", message(3), within=10)))
            async with (await broker.connect()).subscribe(QUEUE, heard.handle):
                await eventually(lambda: heard.payloads == payloads(3))
            assert not ending.done()
            may_end.set()
            await ending

        assert [(await task).payload for task in asking[:3]] == [b"slow answer"] * 3
        assert sorted(begun) == payloads(0, 1, 2)
        asking[3].cancel()
