"""Erases the files of deleted recordings and merges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.merge import ConfirmMergeErasure
from services.recorder.domain.participant_recording import ConfirmErasure
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.keys import Remains
from services.recorder.merging.streams import MergeStreams
from services.recorder.process_managers.erasures import Deleted
from shared.concurrency.clock import Clock
from shared.contracts.merge import MergeDeleted
from shared.contracts.participant_recording import ParticipantRecordingDeleted
from shared.eventsourcing.codec import Context

_log = structlog.get_logger()

#: A worker that lives lets go of what was deleted within milliseconds; after so long, others take it for dead.
LETS_GO_WITHIN = timedelta(seconds=15)


class Writing(Protocol):
    """What this process records."""

    worker_id: str

    def is_writing(self, participant_recording_id: str) -> bool: ...


class Eraser:
    """Erases files, and says so. Several may run at once: what is gone already is not missed."""

    def __init__(
        self,
        recordings: ParticipantRecordingStreams,
        merges: MergeStreams,
        store: LocalObjectStore,
        worker: Writing,
        clock: Clock,
    ) -> None:
        self._recordings = recordings
        self._merges = merges
        self._store = store
        self._worker = worker
        self._clock = clock

    async def erase(self, deleted: Deleted, context: Context) -> None:
        """Erase what was deleted; it stays due while a worker may still write it.

        Raises LogUnavailableError and ConcurrencyConflictError.
        """
        try:
            match deleted:
                case MergeDeleted():
                    await self._erase_merge(deleted, context)
                case ParticipantRecordingDeleted() if not self._may_be_written(deleted):
                    await self._erase_recording(deleted, context)
        except OSError as error:
            # It stays due, and whoever looks after the store finds out why.
            _log.warning("not erased", stream=deleted.stream, error=str(error))

    def _may_be_written(self, deleted: ParticipantRecordingDeleted) -> bool:
        """Tell whether its worker has yet to let go of it, as far as is known here."""
        if deleted.written_by == self._worker.worker_id:
            return self._worker.is_writing(deleted.participant_recording_id)
        return deleted.written_by is not None and self._clock() - deleted.at < LETS_GO_WITHIN

    async def _erase_recording(self, deleted: ParticipantRecordingDeleted, context: Context) -> None:
        remains = await self._recordings.remains(deleted)
        await asyncio.to_thread(self._erase, remains, deleted.paths)
        await self._recordings.give(_confirm(deleted, self._clock()), context)

    async def _erase_merge(self, deleted: MergeDeleted, context: Context) -> None:
        await asyncio.to_thread(self._store.delete, deleted.path)
        confirm = ConfirmMergeErasure(merge_id=deleted.merge_id, set_id=deleted.set_id, at=self._clock())
        await self._merges.give(confirm, context)

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
