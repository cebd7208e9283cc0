"""Reads the projection of participant recordings and merges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg

from services.gateway.projections.kept_recordings import Delivery, KeptMerge, KeptRecording, MergeState
from services.gateway.projections.recording_rows import MERGE_FIELDS, RECORDING_FIELDS, merge_of, recording_of
from services.gateway.projections.recordings import RECORDINGS
from shared.contracts.merge import MergeLayout
from shared.contracts.participant_recording import RecordingKind
from shared.eventsourcing.freshness import until_fresh
from shared.eventsourcing.outages import outages_told

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Found(Generic[Item]):
    """A part of what was looked for, newest first, and how much there is of it."""

    items: list[Item]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichRecordings:
    """What is looked for; None: any."""

    kinds: tuple[RecordingKind, ...]
    room_id: str | None = None
    session_id: str | None = None
    participant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichMerges:
    """What is looked for; None: any."""

    layout: MergeLayout
    merge_id: str | None = None
    room_id: str | None = None
    session_id: str | None = None
    states: tuple[MergeState, ...] | None = None


def _columns(table: str, fields: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in fields)


def _deliveries(table: str) -> str:
    each = "json_build_array(d.webhook_type, d.delivered) ORDER BY d.position, d.url"
    return f"""(SELECT coalesce(json_agg({each}), '[]')
        FROM recordings.deliveries d WHERE d.about = {table}.id) AS deliveries"""  # noqa: S608  our own words


_RECORDING = f"""SELECT {_columns("r", RECORDING_FIELDS)}, p.display_name AS participant_name, {_deliveries("r")}
    FROM recordings.recordings r LEFT JOIN recordings.people p USING (session_id, participant_id)"""  # noqa: S608
_RECORDINGS_BY_ID = f"{_RECORDING} WHERE r.id = ANY ($1)"
_SHOWN = "r.state NOT IN ('refused', 'deleted')"
_WHICH_RECORDINGS = f"""{_SHOWN} AND r.kind = ANY ($1) AND ($2::text IS NULL OR r.room_id = $2)
    AND ($3::text IS NULL OR r.session_id = $3) AND ($4::text IS NULL OR r.participant_id = $4)"""
_COUNT_RECORDINGS = f"SELECT count(*) FROM recordings.recordings r WHERE {_WHICH_RECORDINGS}"  # noqa: S608
_RECORDINGS = f"{_RECORDING} WHERE {_WHICH_RECORDINGS} ORDER BY r.position DESC LIMIT $5 OFFSET $6"

_MERGE = f"SELECT {_columns('m', MERGE_FIELDS)}, {_deliveries('m')} FROM recordings.merges m"  # noqa: S608
_MERGE_BY_ID = f"{_MERGE} WHERE m.id = $1"
_WHICH_MERGES = """m.layout = $1 AND ($2::text IS NULL OR m.id = $2) AND ($3::text IS NULL OR m.room_id = $3)
    AND ($4::text IS NULL OR m.session_id = $4) AND ($5::text[] IS NULL OR m.state = ANY ($5))"""
_COUNT_MERGES = f"SELECT count(*) FROM recordings.merges m WHERE {_WHICH_MERGES}"  # noqa: S608
_MERGES = f"{_MERGE} WHERE {_WHICH_MERGES} ORDER BY m.position DESC LIMIT $6 OFFSET $7"


class Recordings:
    """Reads the live projection, which has whatever was answered before.

    Each method raises LogUnavailableError, and ProjectionMissingError while there is none.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def recording(self, participant_recording_id: str) -> KeptRecording | None:
        """Return it whatever its state: `is_shown` tells whether anybody may see more than its history."""
        found = await self.named([participant_recording_id])
        return found[0] if found else None

    async def named(self, participant_recording_ids: Sequence[str]) -> list[KeptRecording]:
        """Return those of them that are known, in any order, whatever their states."""
        rows = await self._fetch(_RECORDINGS_BY_ID, list(participant_recording_ids))
        return [_recording(row) for row in rows]

    async def recordings(self, which: WhichRecordings, limit: int, offset: int) -> Found[KeptRecording]:
        """Return at most `limit` after the newest `offset` ones; none that was refused or deleted."""
        asked = list(which.kinds), which.room_id, which.session_id, which.participant_id
        rows = await self._fetch(_RECORDINGS, *asked, limit, offset)
        return Found([_recording(row) for row in rows], await self._count(_COUNT_RECORDINGS, *asked))

    async def merge(self, merge_id: str) -> KeptMerge | None:
        rows = await self._fetch(_MERGE_BY_ID, merge_id)
        return _merge(rows[0]) if rows else None

    async def merges(self, which: WhichMerges, limit: int, offset: int) -> Found[KeptMerge]:
        """Return at most `limit` after the newest `offset` ones."""
        states = list(which.states) if which.states is not None else None
        asked = which.layout, which.merge_id, which.room_id, which.session_id, states
        rows = await self._fetch(_MERGES, *asked, limit, offset)
        return Found([_merge(row) for row in rows], await self._count(_COUNT_MERGES, *asked))

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        await until_fresh(self._pool, RECORDINGS.name)
        with outages_told():
            rows: list[asyncpg.Record] = await self._pool.fetch(query, *arguments)
        return rows

    async def _count(self, query: str, *arguments: object) -> int:
        with outages_told():
            count: int = await self._pool.fetchval(query, *arguments)
        return count


def _recording(row: asyncpg.Record) -> KeptRecording:
    return recording_of(row, deliveries=_read_deliveries(row))


def _merge(row: asyncpg.Record) -> KeptMerge:
    return merge_of(row, deliveries=_read_deliveries(row))


def _read_deliveries(row: asyncpg.Record) -> tuple[Delivery, ...]:
    return tuple(Delivery(*each) for each in json.loads(row["deliveries"]))
