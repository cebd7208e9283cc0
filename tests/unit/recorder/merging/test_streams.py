"""What servers ask of merges, as messages that may come more than once."""

from __future__ import annotations

import pytest

from services.recorder.merging.streams import MergeStreams
from shared.contracts.merge import merge_stream
from shared.contracts.message import Command
from shared.contracts.reply import Accepted, Refused
from shared.eventsourcing.codec import Context
from shared.messaging.answering import answering
from shared.messaging.message import Message, command_message, read_reply
from tests.support.in_memory import InMemoryEventStore
from tests.support.merges import SET, cancel, start


@pytest.fixture
def log() -> InMemoryEventStore:
    return InMemoryEventStore()


async def answered(log: InMemoryEventStore, message: Message) -> Accepted | Refused:
    return read_reply(await answering(MergeStreams(log).answerers())(message), Accepted)


async def story(log: InMemoryEventStore) -> list[str]:
    return [event.type.split(".")[1] for event in await log.read(merge_stream(SET))]


def message(command: Command) -> Message:
    return command_message(command, Context.begin("server:key"), within=600)


async def test_a_merge_is_accepted_once_it_is_in_the_log(log: InMemoryEventStore) -> None:
    assert await answered(log, message(start())) == Accepted()
    assert await story(log) == ["requested"]


async def test_the_same_merge_is_refused_while_it_runs(log: InMemoryEventStore) -> None:
    await answered(log, message(start()))
    refused = await answered(log, message(start("again", 1)))
    assert isinstance(refused, Refused)
    assert refused.code == "already_merging"


async def test_a_request_that_comes_again_is_done_once(log: InMemoryEventStore) -> None:
    asked = message(start())
    assert await answered(log, asked) == await answered(log, asked) == Accepted()
    assert await story(log) == ["requested"]


async def test_a_cancellation_that_comes_again_is_accepted_again(log: InMemoryEventStore) -> None:
    await answered(log, message(start()))
    asked = message(cancel())
    assert await answered(log, asked) == await answered(log, asked) == Accepted()
    assert await story(log) == ["requested", "cancelled"]


async def test_what_does_not_run_cannot_be_cancelled(log: InMemoryEventStore) -> None:
    refused = await answered(log, message(cancel()))
    assert isinstance(refused, Refused)
    assert refused.code == "merge_not_running"
