"""Rooms and their sessions, and who was in them from when until when, as REST v2 shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import asyncpg

from services.gateway.hex_ids import hex_id
from shared.contracts.room import (
    ParticipantJoined,
    ParticipantLeft,
    RoomCreated,
    RoomDeactivated,
    SessionEnded,
    SessionStarted,
)
from shared.eventsourcing.projection import Projection, Told

_TABLES = """
CREATE TABLE rooms (
    room_id text PRIMARY KEY,
    -- Its other name, made of the first.
    object_id text NOT NULL UNIQUE,
    custom_room_id text,
    -- What it was made with: the event, as JSON.
    created text NOT NULL,
    deactivated_at timestamptz,
    -- Global position of the event that began it: what is newer comes later in the log.
    position bigint NOT NULL UNIQUE
);
CREATE INDEX ON rooms (custom_room_id);
CREATE TABLE sessions (
    session_id text PRIMARY KEY,
    room_id text NOT NULL,
    started_at timestamptz NOT NULL,
    -- Null: it is live.
    ended_at timestamptz,
    position bigint NOT NULL UNIQUE
);
CREATE INDEX ON sessions (room_id, position);
CREATE TABLE participants (
    session_id text NOT NULL,
    participant_id text NOT NULL,
    -- By which they came in last.
    name text NOT NULL,
    -- Of their first coming in.
    position bigint NOT NULL,
    PRIMARY KEY (session_id, participant_id)
);
CREATE TABLE stays (
    session_id text NOT NULL,
    participant_id text NOT NULL,
    position bigint NOT NULL,
    joined_at timestamptz NOT NULL,
    -- Null: they are there.
    left_at timestamptz,
    PRIMARY KEY (session_id, participant_id, position)
);
"""

_ADD_ROOM = "INSERT INTO rooms VALUES ($1, $2, $3, $4, NULL, $5)"
_DEACTIVATE_ROOM = "UPDATE rooms SET deactivated_at = $2 WHERE room_id = $1"
_ADD_SESSION = "INSERT INTO sessions VALUES ($1, $2, $3, NULL, $4)"
_END_SESSION = "UPDATE sessions SET ended_at = $2 WHERE session_id = $1"
_ADD_PARTICIPANT = """INSERT INTO participants VALUES ($1, $2, $3, $4)
    ON CONFLICT (session_id, participant_id) DO UPDATE SET name = excluded.name"""
_ADD_STAY = "INSERT INTO stays VALUES ($1, $2, $3, $4, NULL)"
#: The newest stay that had begun by then: of a page, all stays are added first.
_END_STAY = """UPDATE stays SET left_at = $4 WHERE session_id = $1 AND participant_id = $2 AND position = (
    SELECT max(position) FROM stays WHERE session_id = $1 AND participant_id = $2 AND position < $3)"""

#: In this order they do for a whole page what they would do event by event.
_STATEMENTS = (
    *(_ADD_ROOM, _DEACTIVATE_ROOM, _ADD_SESSION, _END_SESSION),
    *(_ADD_PARTICIPANT, _ADD_STAY, _END_STAY),
)

_Change = tuple[str, tuple[object, ...]]


def room_object_id(room_id: str) -> str:
    """Return the room's name of 24 hexadecimal digits, always the same."""
    return hex_id(f"room {room_id}")


async def _apply(connection: asyncpg.Connection, told: Sequence[Told]) -> None:
    changes: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for each in told:
        for statement, values in _changes(each):
            changes[statement].append(values)
    for statement in _STATEMENTS:
        if statement in changes:
            await connection.executemany(statement, changes[statement])


def _changes(told: Told) -> Iterator[_Change]:
    event, stored = told
    position = stored.global_position
    match event:
        case RoomCreated():
            names = room_object_id(event.room_id), _text(event.custom_room_id)
            yield _ADD_ROOM, (event.room_id, *names, event.encode().decode(), position)
        case RoomDeactivated():
            yield _DEACTIVATE_ROOM, (event.room_id, event.at)
        case SessionStarted():
            yield _ADD_SESSION, (event.session_id, event.room_id, event.at, position)
        case SessionEnded():
            yield _END_SESSION, (event.session_id, event.at)
        case ParticipantJoined():
            who = event.session_id, event.participant_id
            yield _ADD_PARTICIPANT, (*who, _text(event.display_name), position)
            yield _ADD_STAY, (*who, position, event.at)
        case ParticipantLeft():
            yield _END_STAY, (event.session_id, event.participant_id, position, event.at)


def _text(said: str | None) -> str | None:
    # Postgres keeps no U+0000 in a column. JSON escapes it.
    return said and said.replace("\x00", "\ufffd")


SESSIONS = Projection(
    "sessions",
    1,
    _TABLES,
    (RoomCreated, RoomDeactivated, SessionStarted, SessionEnded, ParticipantJoined, ParticipantLeft),
    _apply,
)
