"""The projection of participant recordings and merges: what REST answers show of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from services.gateway.projections.kept_recordings import KeptMerge, KeptRecording, merge_after, recording_after
from services.gateway.projections.recording_rows import (
    MERGE_FIELDS,
    RECORDING_FIELDS,
    merge_of,
    merge_row,
    recording_of,
    recording_row,
)
from shared.contracts.merge import MergeEvent
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingEvent
from shared.contracts.room import ParticipantJoined
from shared.contracts.webhook import WebhookDelivered, WebhookFailed, webhook_id
from shared.eventsourcing.projection import Projection, Told

_TABLES = """
CREATE TABLE recordings (
    id text PRIMARY KEY,
    position bigint NOT NULL,
    room_id text NOT NULL,
    session_id text NOT NULL,
    participant_id text NOT NULL,
    kind text NOT NULL,
    recording_id text,
    state text NOT NULL,
    storage_prefix text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    reason text,
    files jsonb NOT NULL
);
CREATE INDEX ON recordings (session_id, position);
CREATE INDEX ON recordings (room_id, position);
CREATE INDEX ON recordings (position);
CREATE TABLE merges (
    id text PRIMARY KEY,
    position bigint NOT NULL,
    set_id text NOT NULL,
    room_id text NOT NULL,
    session_id text NOT NULL,
    layout text NOT NULL,
    inputs jsonb NOT NULL,
    state text NOT NULL,
    requested_at timestamptz NOT NULL,
    storage_prefix text NOT NULL,
    percent integer NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    reason text,
    file jsonb
);
CREATE INDEX ON merges (session_id, position);
CREATE INDEX ON merges (room_id, position);
CREATE INDEX ON merges (position);
-- By which participants last joined.
CREATE TABLE people (
    session_id text NOT NULL,
    participant_id text NOT NULL,
    display_name text NOT NULL,
    PRIMARY KEY (session_id, participant_id)
);
-- The events that webhooks may tell of, and which recording or merge each is about.
CREATE TABLE events (
    event_id uuid PRIMARY KEY,
    position bigint NOT NULL,
    about text NOT NULL
);
CREATE TABLE deliveries (
    webhook_id uuid PRIMARY KEY,
    -- The recording or merge.
    about text NOT NULL,
    -- Of the event that is told.
    position bigint NOT NULL,
    url text NOT NULL,
    webhook_type text NOT NULL,
    -- Whether any attempt succeeded.
    delivered boolean NOT NULL
);
CREATE INDEX ON deliveries (about);
"""

_READ_RECORDINGS = f"SELECT {', '.join(RECORDING_FIELDS)} FROM recordings WHERE id = ANY ($1)"  # noqa: S608  our words
_READ_MERGES = f"SELECT {', '.join(MERGE_FIELDS)} FROM merges WHERE id = ANY ($1)"  # noqa: S608  our words
_REMOVE_RECORDINGS = "DELETE FROM recordings WHERE id = ANY ($1)"
_REMOVE_MERGES = "DELETE FROM merges WHERE id = ANY ($1)"
_NAME = """INSERT INTO people SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
    ON CONFLICT (session_id, participant_id) DO UPDATE SET display_name = excluded.display_name"""
_READ_EVENTS = "SELECT event_id, position, about FROM events WHERE event_id = ANY ($1)"
_DELIVER = """INSERT INTO deliveries VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (webhook_id) DO UPDATE SET delivered = deliveries.delivered OR excluded.delivered"""

_Outcome = WebhookDelivered | WebhookFailed


async def _apply(connection: asyncpg.Connection, told: Sequence[Told]) -> None:
    page = _Page(await _recordings(connection, told), await _merges(connection, told))
    for event, stored in told:
        page.take(event, stored.id, stored.global_position or 0)
    await _write(connection, page)
    await _write_outcomes(connection, [event for event, _ in told if isinstance(event, _Outcome)])


@dataclass(slots=True)
class _Page:
    """What a page of events changes."""

    recordings: dict[str, KeptRecording]
    merges: dict[str, KeptMerge]
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    events: list[tuple[UUID, int, str]] = field(default_factory=list)

    def take(self, event: Event, event_id: UUID, position: int) -> None:
        match event:
            case ParticipantRecordingEvent():
                about = event.participant_recording_id
                if recording := recording_after(self.recordings.get(about), event, position):
                    self.recordings[about] = recording
                self.events.append((event_id, position, about))
            case MergeEvent():
                if merge := merge_after(self.merges.get(event.merge_id), event, position):
                    self.merges[event.merge_id] = merge
                self.events.append((event_id, position, event.merge_id))
            case ParticipantJoined():
                self.names[event.session_id, event.participant_id] = event.display_name


async def _recordings(connection: asyncpg.Connection, told: Sequence[Told]) -> dict[str, KeptRecording]:
    """Return those that are told of, as they are known."""
    ids = {event.participant_recording_id for event, _ in told if isinstance(event, ParticipantRecordingEvent)}
    rows = await connection.fetch(_READ_RECORDINGS, list(ids))
    return {row["id"]: recording_of(row) for row in rows}


async def _merges(connection: asyncpg.Connection, told: Sequence[Told]) -> dict[str, KeptMerge]:
    """Return those that are told of, as they are known."""
    ids = {event.merge_id for event, _ in told if isinstance(event, MergeEvent)}
    rows = await connection.fetch(_READ_MERGES, list(ids))
    return {row["id"]: merge_of(row) for row in rows}


async def _write(connection: asyncpg.Connection, page: _Page) -> None:
    await connection.execute(_REMOVE_RECORDINGS, list(page.recordings))
    await connection.execute(_REMOVE_MERGES, list(page.merges))
    recordings, merges = map(recording_row, page.recordings.values()), map(merge_row, page.merges.values())
    await connection.copy_records_to_table("recordings", records=recordings, columns=RECORDING_FIELDS)
    await connection.copy_records_to_table("merges", records=merges, columns=MERGE_FIELDS)
    await connection.copy_records_to_table("events", records=page.events, columns=("event_id", "position", "about"))
    sessions, people = [key[0] for key in page.names], [key[1] for key in page.names]
    await connection.execute(_NAME, sessions, people, list(page.names.values()))


async def _write_outcomes(connection: asyncpg.Connection, outcomes: Sequence[_Outcome]) -> None:
    """Note what came of webhooks about recordings and merges; others are about nothing here."""
    rows = await connection.fetch(_READ_EVENTS, [outcome.event_id for outcome in outcomes])
    known = {row["event_id"]: row for row in rows}
    deliveries = [
        (
            webhook_id(outcome.event_id, outcome.url),
            known[outcome.event_id]["about"],
            known[outcome.event_id]["position"],
            outcome.url,
            outcome.webhook_type,
            isinstance(outcome, WebhookDelivered),
        )
        for outcome in outcomes
        if outcome.event_id in known
    ]
    await connection.executemany(_DELIVER, deliveries)


RECORDINGS = Projection(
    "recordings",
    1,
    _TABLES,
    (ParticipantRecordingEvent, MergeEvent, ParticipantJoined, WebhookDelivered, WebhookFailed),
    _apply,
)
