"""The projection of sessions is the same however the log is cut into pages."""

from __future__ import annotations

import asyncpg
import pytest

from services.gateway.projections.sessions import SESSIONS
from services.gateway.projections.sessions_read import Directory
from shared.contracts.room import (
    ParticipantJoined,
    ParticipantLeft,
    RoomCreated,
    RoomDeactivated,
    RoomEvent,
    SessionEnded,
    SessionStarted,
)
from shared.eventsourcing import projection_runner
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import say, unwatched
from tests.support.derived import dump
from tests.support.moments import at


def joined(session: str, who: str, second: float, name: str = "Ann") -> ParticipantJoined:
    about = {"room_id": "r", "session_id": session, "participant_id": who}
    return ParticipantJoined(at=at(second), **about, display_name=name, role="user")


def left(session: str, who: str, second: float) -> ParticipantLeft:
    return ParticipantLeft(at=at(second), room_id="r", session_id=session, participant_id=who, reason="replaced")


#: Ann comes three times and goes twice, by another name in the end; then there is another session.
HISTORY: list[RoomEvent] = [
    RoomCreated(at=at(), room_id="r", custom_room_id="weekly"),
    SessionStarted(at=at(1), room_id="r", session_id="s"),
    joined("s", "ann", 1),
    left("s", "ann", 2),
    joined("s", "ann", 2),
    joined("s", "bob", 3, "Bob"),
    left("s", "ann", 4),
    joined("s", "ann", 5, "Anna"),
    left("s", "ann", 6),
    left("s", "bob", 6),
    SessionEnded(at=at(6), room_id="r", session_id="s"),
    SessionStarted(at=at(7), room_id="r", session_id="t"),
    joined("t", "ann", 7),
    RoomDeactivated(at=at(8), room_id="r", reason="requested"),
]


async def test_pages_change_nothing(
    tables: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = []
    await say(store, *HISTORY)
    for page in (1, 2, 3, 5, 100):
        monkeypatch.setattr(projection_runner, "_PAGE", page)
        await rebuild(SESSIONS, store, tables, unwatched)
        dumps.append(await dump(tables, SESSIONS.name))
    assert all(each == dumps[0] for each in dumps)


async def test_every_stay_ends_when_it_ended(tables: asyncpg.Pool, store: PostgresEventStore) -> None:
    await say(store, *HISTORY)
    await rebuild(SESSIONS, store, tables, unwatched)

    bob, ann = (await Directory(tables).everybody(["s"]))["s"]

    assert [(stay.joined_at, stay.left_at) for stay in ann.stays] == [(at(1), at(2)), (at(2), at(4)), (at(5), at(6))]
    assert (ann.name, [(stay.joined_at, stay.left_at) for stay in bob.stays]) == ("Anna", [(at(3), at(6))])


async def test_names_that_postgres_cannot_keep_stop_nothing(tables: asyncpg.Pool, store: PostgresEventStore) -> None:
    room = RoomCreated(at=at(), room_id="r", custom_room_id="week\x00ly")
    started = SessionStarted(at=at(), room_id="r", session_id="s")
    await say(store, room, started, joined("s", "ann", 1, "A\x00nn"))
    await rebuild(SESSIONS, store, tables, unwatched)
    ((ann,),) = (await Directory(tables).everybody(["s"])).values()
    assert ann.name == "A\ufffdnn"
