"""Snapshots are a cache: with them, without them or with another version's, the state is the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.domain.room import ROOM, CreateRoom, JoinRoom, LeaveRoom, RoomCommand
from services.gateway.domain.room_life import Room, RoomHappened
from shared.eventsourcing import command_handler
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.snapshots import Snapshots, fold_digest
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.unit.gateway.domain.test_room_settings import EVERYTHING

STREAM = "room-r"
CONTEXT = Context.begin("service:test")

Rooms = CommandHandler[Room, RoomCommand, RoomHappened]


class CountingStore(InMemoryEventStore):
    """A log that knows after which position it was last read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        self.read_after.append(after)
        return await super().read(stream, after)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_handler, "_SNAPSHOT_EVERY", 4)


@pytest.fixture
def snapshots(database: asyncpg.Pool) -> Snapshots[Room]:
    return Snapshots(database, ROOM)


_SETTINGS = replace(EVERYTHING, allowed_participant_ids=("ann", "bob", "cy", "dan", *"abc"))


def join(who: str) -> JoinRoom:
    return JoinRoom("r", "s", who, f"{who} é", "moderator", at(1))


async def play(rooms: Rooms, commands: Sequence[RoomCommand]) -> None:
    for command in (CreateRoom("r", at(), "custom", _SETTINGS), *commands):
        await rooms.handle(STREAM, command, CONTEXT)


async def test_what_a_snapshot_holds_is_not_read_again(snapshots: Snapshots[Room]) -> None:
    store = CountingStore()
    rooms: Rooms = CommandHandler(store, ROOM, snapshots)
    await play(rooms, [join("ann"), join("bob"), join("cy")])
    expected = await CommandHandler[Room, RoomCommand, RoomHappened](store, ROOM).load(STREAM)

    await rooms.load(STREAM)
    assert await rooms.load(STREAM) == expected
    assert store.read_after[-1] >= 4


async def test_without_snapshots_nothing_changes(snapshots: Snapshots[Room], database: asyncpg.Pool) -> None:
    rooms: Rooms = CommandHandler(InMemoryEventStore(), ROOM, snapshots)
    await play(rooms, [join("ann"), join("bob"), join("cy"), join("dan")])
    before = await rooms.load(STREAM)
    assert await database.fetchval("SELECT count(*) FROM snapshots") == 1

    await database.execute("DELETE FROM snapshots")

    assert await rooms.load(STREAM) == before


async def test_a_snapshot_of_other_code_is_not_used(snapshots: Snapshots[Room], database: asyncpg.Pool) -> None:
    """Seen to fail without the digest in the query: the state of the other code was taken."""
    rooms: Rooms = CommandHandler(InMemoryEventStore(), ROOM, snapshots)
    await play(rooms, [join("ann"), join("bob"), join("cy"), join("dan")])
    before = await rooms.load(STREAM)
    await database.execute("UPDATE snapshots SET fold = 'another', state = $1", b'{"created":false}')

    assert await rooms.load(STREAM) == before


@pytest.mark.parametrize("state", [b"", b"nonsense", b'{"created_at":"perhaps"}'])
async def test_a_snapshot_that_cannot_be_read_is_as_good_as_none(
    snapshots: Snapshots[Room], database: asyncpg.Pool, state: bytes
) -> None:
    rooms: Rooms = CommandHandler(InMemoryEventStore(), ROOM, snapshots)
    await play(rooms, [join("ann"), join("bob"), join("cy"), join("dan")])
    before = await rooms.load(STREAM)
    await database.execute("UPDATE snapshots SET state = $1", state)

    assert await rooms.load(STREAM) == before


def test_a_change_of_the_code_that_folds_changes_the_digest() -> None:
    other = dataclasses.replace(ROOM, evolve=lambda room, _: room)
    assert fold_digest(ROOM) == fold_digest(ROOM)
    assert fold_digest(ROOM) != fold_digest(other)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=14))
async def test_whatever_happens_in_a_room_its_state_is_the_same_with_and_without_snapshots(
    snapshots: Snapshots[Room], database: asyncpg.Pool, moves: list[tuple[bool, str]]
) -> None:
    await database.execute("DELETE FROM snapshots")
    store = InMemoryEventStore()
    rooms: Rooms = CommandHandler(store, ROOM, snapshots)
    plain: Rooms = CommandHandler(store, ROOM)
    await play(rooms, [join(who) if joins else LeaveRoom("r", who, "quit", at(2)) for joins, who in moves])

    assert await rooms.load(STREAM) == await plain.load(STREAM)
    assert await rooms.load(STREAM) == await plain.load(STREAM)  # now from the newest snapshot
