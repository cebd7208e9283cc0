from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from services.gateway.domain.recording import (
    RECORDING,
    AlreadyRecordingError,
    InvalidRecordingIdError,
    RecordingCommand,
    RecordingHappened,
    Recordings,
    Running,
    StartRecording,
    StopRecording,
)
from services.gateway.domain.room import ROOM, CreateRoom, JoinRoom, RoomCommand
from services.gateway.domain.room_life import Room, RoomHappened
from shared.contracts.recording import ConfirmRecording, RecordingRequested, RecordingStarted, RecordingStopped
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.recent_states import RecentStates
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at

STREAM = "recording-s"
CONTEXT = Context.begin("participant:ann")


Rivals = CommandHandler[Any, Any, Any]


class ContestedStore(InMemoryEventStore):
    """Somebody else gets on just before an append to the contested stream, as often as they have something to say."""

    def __init__(self, rivals: Callable[[InMemoryEventStore], Rivals], *commands: Any) -> None:
        super().__init__()
        self._rivals = rivals
        self._commands = list(commands)
        self.contested = True

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if self.contested and self._commands:
            await self._rivals(self).handle(stream, self._commands.pop(0), CONTEXT)
        return await super().append(stream, expected, events)


class CountingStore(InMemoryEventStore):
    """Takes its time to read, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.appends = self.reads = self.read_events = 0

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        await asyncio.sleep(0)
        stored = await super().read(stream, after)
        self.reads += 1
        self.read_events += len(stored)
        return stored

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        self.appends += 1
        return await super().append(stream, expected, events)


class StormyStore(InMemoryEventStore):
    """The stream's head is always elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        self.attempts += 1
        raise ConcurrencyConflictError(stream, expected, expected + len(events))


class AbsentStore(StormyStore):
    """The database does not answer."""

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        self.attempts += 1
        raise LogUnavailableError("connection refused")


def handler(store: InMemoryEventStore) -> CommandHandler[Recordings, RecordingCommand, RecordingHappened]:
    return CommandHandler(store, RECORDING)


def rooms(store: InMemoryEventStore) -> CommandHandler[Room, RoomCommand, RoomHappened]:
    return CommandHandler(store, ROOM)


def join(who: str) -> JoinRoom:
    return JoinRoom("r", "s", who, who, "user", at(1))


def start(recording: str = "a") -> StartRecording:
    return StartRecording("r", "s", recording, "ann", at())


CONFIRM = ConfirmRecording(at=at(1), room_id="r", session_id="s", recording_id="a", worker_id="worker")


async def types(store: InMemoryEventStore) -> list[str]:
    return [event.type for event in await store.read(STREAM)]


async def test_a_command_is_decided_on_the_streams_state_and_written() -> None:
    store = InMemoryEventStore()
    await handler(store).handle(STREAM, start(), CONTEXT)
    decided = await handler(store).handle(STREAM, CONFIRM, CONTEXT)
    assert [type(event) for event in decided.events] == [RecordingStarted]
    assert decided.state.running == Running("a", started=True)
    assert decided.position == 2
    assert [decode(event) for event in await store.read(STREAM)][1:] == list(decided.events)


async def test_what_is_written_bears_its_context() -> None:
    store = InMemoryEventStore()
    await handler(store).handle(STREAM, start(), CONTEXT)
    (stored,) = await store.read(STREAM)
    assert (stored.actor, stored.causation_id, stored.correlation_id) == (
        "participant:ann",
        CONTEXT.causation_id,
        CONTEXT.correlation_id,
    )


async def test_a_repeated_command_writes_nothing_and_tells_the_same_position() -> None:
    store = InMemoryEventStore()
    first = await handler(store).handle(STREAM, start(), CONTEXT)
    again = await handler(store).handle(STREAM, start(), CONTEXT)
    assert (again.state, again.position, again.events) == (first.state, first.position, ())
    assert await types(store) == [RecordingRequested.type]


async def test_a_refusal_passes_through_and_writes_nothing() -> None:
    store = InMemoryEventStore()
    await handler(store).handle(STREAM, start("a"), CONTEXT)
    with pytest.raises(AlreadyRecordingError):
        await handler(store).handle(STREAM, start("b"), CONTEXT)
    assert await types(store) == [RecordingRequested.type]


async def test_who_loses_a_race_decides_anew_on_what_the_winner_wrote() -> None:
    store = ContestedStore(handler, start("b"))
    with pytest.raises(AlreadyRecordingError):
        await handler(store).handle(STREAM, start("a"), CONTEXT)
    assert await types(store) == [RecordingRequested.type]


async def test_who_loses_a_race_to_the_same_command_is_content() -> None:
    store = ContestedStore(handler, start("a"))
    decided = await handler(store).handle(STREAM, start("a"), CONTEXT)
    assert (decided.events, decided.position) == ((), 1)


async def test_who_loses_a_race_and_is_still_right_writes_after_the_winner() -> None:
    store = ContestedStore(rooms, join("bob"), join("cy"))
    store.contested = False
    await rooms(store).handle("room-r", CreateRoom("r", at()), CONTEXT)
    store.contested = True
    decided = await rooms(store).handle("room-r", join("ann"), CONTEXT)
    assert list(decided.state.participants) == ["cy", "bob", "ann"]  # bob himself lost to cy
    assert (decided.position, len(decided.events)) == (5, 1)


async def test_commands_of_one_process_to_one_stream_do_not_lose_to_each_other() -> None:
    store = CountingStore()
    handling: CommandHandler[Room, RoomCommand, RoomHappened] = CommandHandler(store, ROOM, recent=RecentStates(1))
    await handling.handle("room-r", CreateRoom("r", at()), CONTEXT)
    await asyncio.gather(*(handling.handle("room-r", join(f"p{number}"), CONTEXT) for number in range(100)))
    assert len((await handling.load("room-r")).state.participants) == 100
    assert store.appends == 101
    assert store.read_events == 102, "each event is read once, the session's beginning among them"


async def test_a_state_that_is_remembered_is_brought_up_to_what_others_wrote() -> None:
    store = InMemoryEventStore()
    handling: CommandHandler[Room, RoomCommand, RoomHappened] = CommandHandler(store, ROOM, recent=RecentStates(1))
    await handling.handle("room-r", CreateRoom("r", at()), CONTEXT)
    await rooms(store).handle("room-r", join("bob"), CONTEXT)
    decided = await handling.handle("room-r", join("ann"), CONTEXT)
    assert list(decided.state.participants) == ["bob", "ann"]


async def test_a_storm_of_conflicts_ends() -> None:
    store = StormyStore()
    with pytest.raises(ConcurrencyConflictError):
        await handler(store).handle(STREAM, start(), CONTEXT)
    assert store.attempts == 20


async def test_a_state_that_is_known_is_decided_on_without_the_log_and_anew_where_it_is_old() -> None:
    """Seen to fail with the stream read all the same."""
    store = CountingStore()
    known = await handler(store).load(STREAM)
    await handler(store).handle(STREAM, start("a"), CONTEXT, known)
    assert store.reads == 1
    with pytest.raises(AlreadyRecordingError):
        await handler(store).handle(STREAM, start("b"), CONTEXT, known)
    assert store.reads == 2


async def test_a_log_that_does_not_answer_is_not_asked_again() -> None:
    store = AbsentStore()
    with pytest.raises(LogUnavailableError):
        await handler(store).handle(STREAM, start(), CONTEXT)
    assert store.attempts == 1


async def test_a_stream_that_does_not_exist_is_in_its_initial_state() -> None:
    loaded = await handler(InMemoryEventStore()).load("recording-nowhere")
    assert (loaded.state, loaded.position) == (Recordings(), 0)


async def test_a_command_that_comes_again_after_others_changed_the_state_is_not_decided_anew() -> None:
    """Seen to fail without the look at causation ids: the second delivery started recording `a` again."""
    store, message, stop = (
        InMemoryEventStore(),
        Context.begin("participant:ann"),
        StopRecording("r", "s", at(2), "a", requested_by="ann"),
    )
    await handler(store).handle_once(STREAM, start(), CONTEXT)
    await handler(store).handle(STREAM, CONFIRM, Context.begin("worker:w"))
    first = await handler(store).handle_once(STREAM, stop, message)
    again = await handler(store).handle_once(STREAM, stop, message)

    assert [type(event) for event in first.events] == [RecordingStopped]
    assert (again.events, again.position, again.state) == ((), first.position, first.state)
    with pytest.raises(InvalidRecordingIdError):
        await handler(store).handle_once(STREAM, stop, Context.begin("participant:ann"))


async def test_of_a_command_that_is_delivered_twice_at_once_one_is_decided() -> None:
    store = ContestedStore(handler, start("a"))
    decided = await handler(store).handle_once(STREAM, start("b"), CONTEXT)
    assert (decided.events, await types(store)) == ((), [RecordingRequested.type])
