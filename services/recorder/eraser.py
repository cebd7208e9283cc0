"""Erases the files of deleted recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.participant_recording import ConfirmErasure
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.keys import Remains
from shared.concurrency.clock import Clock
from shared.contracts.participant_recording import ParticipantRecordingDeleted
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()


class Eraser:
    """Erases files, and says so. Several may run at once: what is gone already is not missed."""

    def __init__(self, streams: ParticipantRecordingStreams, store: LocalObjectStore, clock: Clock) -> None:
        self._streams = streams
        self._store = store
        self._clock = clock

    async def erase(self, deleted: ParticipantRecordingDeleted, context: Context) -> None:
        """Erase what was deleted. Raises LogUnavailableError and ConcurrencyConflictError."""
        remains = await self._streams.remains(deleted)
        try:
            await asyncio.to_thread(self._erase, remains, deleted.paths)
        except OSError as error:
            # It stays due, and whoever looks after the store finds out why.
            _log.warning("not erased", recording=deleted.participant_recording_id, error=str(error))
            return
        await self._streams.give(_confirm(deleted, self._clock()), context)

    def _erase(self, remains: Remains | None, paths: Iterable[str]) -> None:
        """Erase what is there of a recording. Raises OSError, also where the folder that it was written into is not."""
        if remains:
            self._store.sweep(remains.folder, remains.include)
        for key in paths:
            self._store.delete(key)


def _confirm(deleted: ParticipantRecordingDeleted, now: datetime) -> ConfirmErasure:
    return ConfirmErasure(
        room_id=deleted.room_id,
        session_id=deleted.session_id,
        participant_id=deleted.participant_id,
        participant_recording_id=deleted.participant_recording_id,
        kind=deleted.kind,
        at=now,
    )
