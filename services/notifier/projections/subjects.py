"""What webhooks are about, and where they go: as much of the log before a page of events as its webhooks need.

A subject is what webhooks are told in order of: a recording, a merge, or a session.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import asyncpg

from services.notifier.payload import Known
from shared.contracts.merge import MergeClaimed, MergeEvent, MergeLayout, MergeRequested
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingEvent,
    ParticipantRecordingRequested,
    TrackFileFinished,
)
from shared.contracts.recording import RecordingEvent
from shared.contracts.room import RoomCreated, SessionStarted
from shared.contracts.webhook import WebhookEvent
from shared.eventsourcing.projection import Told

TABLES = """
CREATE TABLE rooms (
    room_id text PRIMARY KEY,
    -- Null: the room has no target of its own.
    url text,
    -- Which webhooks that target wants; none: all.
    wanted text[] NOT NULL,
    storage_prefix text NOT NULL
);
CREATE TABLE sessions (
    session_id text PRIMARY KEY,
    start timestamptz NOT NULL
);
-- Recordings and merges that a call named a target for, and merges.
CREATE TABLE subjects (
    subject text PRIMARY KEY,
    url text,
    layout text NOT NULL,
    claimed boolean NOT NULL
);
CREATE TABLE track_files (
    subject text NOT NULL,
    global_position bigint NOT NULL,
    path text NOT NULL,
    PRIMARY KEY (subject, global_position)
);
"""

_ROOMS = "SELECT room_id, url, wanted, storage_prefix FROM rooms WHERE room_id = ANY ($1)"
_SESSIONS = "SELECT session_id, start FROM sessions WHERE session_id = ANY ($1)"
_SUBJECTS = "SELECT subject, url, layout, claimed FROM subjects WHERE subject = ANY ($1)"
_FILES = "SELECT subject, path FROM track_files WHERE subject = ANY ($1) ORDER BY subject, global_position"
_PUT_ROOM = """INSERT INTO rooms VALUES ($1, $2, $3, $4) ON CONFLICT (room_id) DO UPDATE
    SET url = excluded.url, wanted = excluded.wanted, storage_prefix = excluded.storage_prefix"""
_PUT_SESSION = "INSERT INTO sessions VALUES ($1, $2) ON CONFLICT (session_id) DO UPDATE SET start = excluded.start"
_PUT_SUBJECT = """INSERT INTO subjects VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO UPDATE
    SET url = excluded.url, layout = excluded.layout, claimed = excluded.claimed"""
_PUT_FILE = "INSERT INTO track_files VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Room:
    url: str | None = None
    wanted: Sequence[str] = ()
    storage_prefix: str = ""

    def wants(self, webhook_type: str) -> bool:
        return not self.wanted or any(_matches(pattern, webhook_type) for pattern in self.wanted)


@dataclass(frozen=True, slots=True)
class Subject:
    """A recording or a merge."""

    url: str | None = None
    layout: MergeLayout = "stereo"
    claimed: bool = False


@dataclass(slots=True)
class Subjects:
    """Begins with what the tables hold, follows the page event by event, and writes what is new."""

    rooms: dict[str, Room] = field(default_factory=dict)
    sessions: dict[str, datetime] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    _new_files: list[tuple[Any, ...]] = field(default_factory=list)
    #: Names, by what is changed.
    _changed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    async def of(cls, connection: asyncpg.Connection, page: Sequence[Told]) -> Subjects:
        """Read what is known of whatever the page is about."""
        page = [told for told in page if not isinstance(told[0], WebhookEvent | RoomCreated)]
        known = cls()
        if not page:
            return known
        rooms, sessions, subjects = (_named(page, name) for name in ("room_id", "session_id", None))
        for row in await connection.fetch(_ROOMS, rooms):
            known.rooms[row["room_id"]] = Room(row["url"], tuple(row["wanted"]), row["storage_prefix"])
        known.sessions = dict(await connection.fetch(_SESSIONS, sessions))
        for row in await connection.fetch(_SUBJECTS, subjects):
            known.subjects[row["subject"]] = Subject(row["url"], row["layout"], row["claimed"])
        for row in await connection.fetch(_FILES, subjects):
            known.files.setdefault(row["subject"], []).append(row["path"])
        return known

    def hear(self, told: Told) -> None:
        """Take what an event says of later ones."""
        event, stored = told
        match event:
            case RoomCreated():
                room = Room(event.webhook_url or None, event.webhook_events, event.storage_prefix)
                self._put("rooms", event.room_id, room)
            case SessionStarted():
                self._put("sessions", event.session_id, event.at)
            case ParticipantRecordingAwaited() | ParticipantRecordingRequested() if event.webhook_url:
                self._put("subjects", subject_of(event), Subject(event.webhook_url))
            case MergeRequested():
                self._put("subjects", subject_of(event), Subject(event.webhook_url, event.layout))
            case MergeClaimed():
                subject = self.subjects.get(subject_of(event), Subject())
                self._put("subjects", subject_of(event), replace(subject, claimed=True))
            case TrackFileFinished():
                self.files.setdefault(subject_of(event), []).append(event.file.path)
                self._new_files.append((subject_of(event), stored.global_position or 0, event.file.path))
            case _:
                pass

    def known(self, event: Any) -> Known:
        """Return what a webhook may say of an event beside what the event says."""
        subject = self.subjects.get(subject_of(event), Subject())
        return Known(
            self.rooms.get(event.room_id, Room()).storage_prefix,
            self.sessions.get(event.session_id),
            subject.layout,
            subject.claimed,
            tuple(self.files.get(subject_of(event), ())),
        )

    def targets(self, event: Any, webhook_type: str) -> list[str]:
        """Return the URLs that hear of it, each once: the room's, and the call's."""
        room, subject = self.rooms.get(event.room_id, Room()), self.subjects.get(subject_of(event), Subject())
        urls = [room.url if room.wants(webhook_type) else None, subject.url]
        return list(dict.fromkeys(url for url in urls if url))

    async def save(self, connection: asyncpg.Connection) -> None:
        """Write what the page changed."""
        rooms = [(name, self.rooms[name]) for name in sorted(self._changed["rooms"])]
        subjects = [(name, self.subjects[name]) for name in sorted(self._changed["subjects"])]
        changes: list[tuple[str, list[tuple[Any, ...]]]] = [
            (_PUT_ROOM, [(name, each.url, list(each.wanted), each.storage_prefix) for name, each in rooms]),
            (_PUT_SESSION, [(name, self.sessions[name]) for name in sorted(self._changed["sessions"])]),
            (_PUT_SUBJECT, [(name, each.url, each.layout, each.claimed) for name, each in subjects]),
            (_PUT_FILE, self._new_files),
        ]
        for statement, rows in changes:
            if rows:
                await connection.executemany(statement, rows)

    def _put(self, kind: str, name: str, value: object) -> None:
        getattr(self, kind)[name] = value
        self._changed[kind].add(name)


def subject_of(event: Event) -> str:
    """Return what the event's webhooks are told in order of."""
    match event:
        case ParticipantRecordingEvent():
            return f"{event.session_id}/{event.participant_recording_id}"
        case RecordingEvent():
            return f"{event.session_id}/{event.recording_id}"
        case MergeEvent():
            return f"{event.session_id}/{event.merge_id}"
        case _:
            return str(getattr(event, "session_id", ""))


def _named(page: Sequence[Told], name: str | None) -> list[str]:
    if name is None:
        return sorted({subject_of(event) for event, _ in page})
    return sorted({value for event, _ in page if (value := getattr(event, name, None)) is not None})


def _matches(pattern: str, webhook_type: str) -> bool:
    if pattern.endswith("*"):
        return webhook_type.startswith(pattern[:-1])
    return pattern == webhook_type
