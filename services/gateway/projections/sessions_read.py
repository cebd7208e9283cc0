"""Reads the projection of rooms, their sessions, and who was there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

import asyncpg

from services.gateway.domain.room_errors import RoomNotFoundError
from services.gateway.domain.room_life import Room, RoomSettings, settings_of
from services.gateway.projections.sessions import SESSIONS
from shared.contracts.room import RoomCreated
from shared.eventsourcing.freshness import until_fresh
from shared.eventsourcing.outages import outages_told


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room, as it is shown."""

    room_id: str
    custom_room_id: str | None
    settings: RoomSettings
    created_at: datetime
    deactivated_at: datetime | None

    @classmethod
    def of(cls, room_id: str, room: Room) -> ListedRoom:
        """Return a room as its stream tells it. Raises RoomNotFoundError."""
        if room.created_at is None:
            raise RoomNotFoundError(room_id)
        return cls(room_id, room.custom_room_id, room.settings, room.created_at, room.deactivated_at)


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in which somebody was there."""

    joined_at: datetime
    #: None: they are there.
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedParticipant:
    participant_id: str
    name: str
    #: In their order.
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session, without who was there."""

    session_id: str
    room_id: str
    custom_room_id: str | None
    started_at: datetime
    #: None: it is live.
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichSessions:
    """What is looked for; None: any."""

    room_id: str | None = None
    custom_room_id: str | None = None
    status: Literal["ongoing", "ended"] | None = None
    #: Which began then or later, and then or before.
    since: datetime | None = None
    until: datetime | None = None
    #: Is in the id of the session or its room, or in the id or name of a participant, in any case of letters.
    text: str | None = None


_ROOM = "SELECT room_id, custom_room_id, created, deactivated_at FROM sessions.rooms"
_FIND_ROOM = f"""{_ROOM} WHERE room_id = $1 OR custom_room_id = $1 OR object_id = $1
    ORDER BY room_id = $1 DESC, (custom_room_id = $1) IS TRUE DESC LIMIT 1"""
_WHICH_ROOMS = "($1::text IS NULL OR room_id = $1) AND ($2::text IS NULL OR room_id = $2 OR custom_room_id = $2)"
_COUNT_ROOMS = f"SELECT count(*) FROM sessions.rooms WHERE {_WHICH_ROOMS}"  # noqa: S608  our own words
_ROOMS = f"{_ROOM} WHERE {_WHICH_ROOMS} ORDER BY position DESC LIMIT $3 OFFSET $4"

_SESSION = """SELECT s.session_id, s.room_id, r.custom_room_id, s.started_at, s.ended_at
    FROM sessions.sessions s LEFT JOIN sessions.rooms r USING (room_id)"""
_FIND_SESSION = f"{_SESSION} WHERE s.session_id = $1"
_WHICH_SESSIONS = """($1::text IS NULL OR s.room_id = $1) AND ($2::text IS NULL OR r.custom_room_id = $2)
    AND ($3::text IS NULL OR (s.ended_at IS NULL) = ($3 = 'ongoing'))
    AND ($4::timestamptz IS NULL OR s.started_at >= $4) AND ($5::timestamptz IS NULL OR s.started_at <= $5)
    AND ($6::text IS NULL OR strpos(lower(concat_ws(chr(10), s.session_id, s.room_id, r.custom_room_id)), lower($6)) > 0
        OR EXISTS (SELECT FROM sessions.participants p WHERE p.session_id = s.session_id
            AND strpos(lower(concat_ws(chr(10), p.participant_id, p.name)), lower($6)) > 0))"""
_COUNT_SESSIONS = f"""SELECT count(*) FROM sessions.sessions s LEFT JOIN sessions.rooms r USING (room_id)
    WHERE {_WHICH_SESSIONS}"""  # noqa: S608  our own words
_SESSIONS = f"{_SESSION} WHERE {_WHICH_SESSIONS} ORDER BY s.position DESC LIMIT $7 OFFSET $8"

_IS_THERE = """EXISTS (SELECT FROM sessions.stays t
    WHERE (t.session_id, t.participant_id) = (p.session_id, p.participant_id) AND t.left_at IS NULL)"""
_WHICH_PARTICIPANTS = f"p.session_id = ANY ($1) AND (NOT $2 OR {_IS_THERE})"
_COUNT_PARTICIPANTS = f"SELECT count(*) FROM sessions.participants p WHERE {_WHICH_PARTICIPANTS}"  # noqa: S608
_PARTICIPANTS = f"""SELECT p.session_id, p.participant_id, p.name, t.joined_at, t.left_at
    FROM (SELECT * FROM sessions.participants p
        WHERE {_WHICH_PARTICIPANTS} AND ($3::text IS NULL OR p.participant_id = $3)
        ORDER BY p.session_id, p.position DESC LIMIT $4 OFFSET $5) p
    JOIN sessions.stays t USING (session_id, participant_id)
    ORDER BY p.session_id, p.position DESC, t.position"""  # noqa: S608  our own words


class Directory:
    """Reads rooms and sessions. Each method shows what was in the log when it began, and lists the newest first.

    Each raises ProjectionMissingError and LogUnavailableError.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def room(self, name: str) -> ListedRoom | None:
        """Return the room with that id, custom id or object id."""
        rows = await self._fetch(_FIND_ROOM, name)
        return _room(rows[0]) if rows else None

    async def rooms(
        self, limit: int, offset: int = 0, *, only: str | None = None, name: str | None = None
    ) -> tuple[list[ListedRoom], int]:
        """Return a part of the rooms, and how many there are: those with this id, with this id or custom id, or all."""
        rows = await self._fetch(_ROOMS, only, name, limit, offset)
        return [_room(row) for row in rows], await self._count(_COUNT_ROOMS, only, name)

    async def session(self, session_id: str) -> ListedSession | None:
        rows = await self._fetch(_FIND_SESSION, session_id)
        return ListedSession(*rows[0]) if rows else None

    async def sessions(self, which: WhichSessions, limit: int, offset: int = 0) -> tuple[list[ListedSession], int]:
        """Return a part of the sessions, and how many there are."""
        looked_for = which.room_id, which.custom_room_id, which.status, which.since, which.until, which.text
        rows = await self._fetch(_SESSIONS, *looked_for, limit, offset)
        return [ListedSession(*row) for row in rows], await self._count(_COUNT_SESSIONS, *looked_for)

    async def everybody(self, session_ids: Sequence[str]) -> dict[str, list[ListedParticipant]]:
        """Return who was in each of the sessions."""
        rows = await self._fetch(_PARTICIPANTS, list(session_ids), False, None, None, 0)
        found: dict[str, list[ListedParticipant]] = {session_id: [] for session_id in session_ids}
        for session_id, of_session in groupby(rows, lambda row: str(row["session_id"])):
            found[session_id] = _participants(of_session)
        return found

    async def participants(
        self, session_id: str, limit: int, offset: int = 0, *, present: bool = False
    ) -> tuple[list[ListedParticipant], int]:
        """Return a part of who was in the session, or is there now, and how many they are."""
        rows = await self._fetch(_PARTICIPANTS, [session_id], present, None, limit, offset)
        return _participants(rows), await self._count(_COUNT_PARTICIPANTS, [session_id], present)

    async def participant(self, session_id: str, participant_id: str) -> ListedParticipant | None:
        rows = await self._fetch(_PARTICIPANTS, [session_id], False, participant_id, 1, 0)
        return _participants(rows)[0] if rows else None

    async def _fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        await until_fresh(self._pool, SESSIONS.name)
        with outages_told():
            return list(await self._pool.fetch(query, *values))

    async def _count(self, query: str, *values: object) -> int:
        with outages_told():
            return int(await self._pool.fetchval(query, *values))


def _room(row: asyncpg.Record) -> ListedRoom:
    made = RoomCreated.model_validate_json(row["created"])
    return ListedRoom(made.room_id, made.custom_room_id, settings_of(made), made.at, row["deactivated_at"])


def _participants(rows: Iterable[asyncpg.Record]) -> list[ListedParticipant]:
    return [
        ListedParticipant(*who, tuple(Stay(row["joined_at"], row["left_at"]) for row in stays))
        for who, stays in groupby(rows, lambda row: (row["participant_id"], row["name"]))
    ]
