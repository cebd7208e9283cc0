"""Erases the files of deleted recordings, whoever deleted them and whatever broke down in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.participant_recording import ConfirmErasure
from services.recorder.handlers import RecorderStreams
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingDeleted, ParticipantRecordingErased
from shared.eventsourcing.codec import Context
from shared.eventsourcing.coordinator import Coordinator
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: By id, those that were deleted and are not erased.
Deleted = Mapping[str, ParticipantRecordingDeleted]


def follow(deleted: Deleted, event: Event) -> Deleted:
    """Return what has to be erased after an event of the log."""
    match event:
        case ParticipantRecordingDeleted():
            return MappingProxyType({**deleted, event.participant_recording_id: event})
        case ParticipantRecordingErased():
            others = {one: each for one, each in deleted.items() if one != event.participant_recording_id}
            return MappingProxyType(others)
        case _:
            return deleted


class Erasures:
    """Knows what has to be erased. Several may run at once: what is gone already is not missed."""

    def __init__(self, streams: RecorderStreams, store: LocalObjectStore, clock: Clock) -> None:
        self._streams = streams
        self._store = store
        self._clock = clock
        self._deleted: Deleted = MappingProxyType({})
        self._coordinator = Coordinator(self._due, self._erase)

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        before, self._deleted = self._deleted, follow(self._deleted, event)
        if self._deleted is not before:
            self._coordinator.look_again()

    async def run(self) -> None:
        """Erase what is deleted, and say so, for ever."""
        await self._coordinator.run()

    def _due(self) -> Iterable[ParticipantRecordingDeleted]:
        return self._deleted.values()

    async def _erase(self, deleted: ParticipantRecordingDeleted) -> None:
        try:
            for key in deleted.paths:
                self._store.delete(key)
        except OSError as error:
            # It stays due, and whoever looks after the store finds out why.
            _log.warning("not erased", recording=deleted.participant_recording_id, error=str(error))
            return
        await self._streams.give(_confirm(deleted, self._clock()), Context.begin("service:recorder"))


def _confirm(deleted: ParticipantRecordingDeleted, now: datetime) -> ConfirmErasure:
    return ConfirmErasure(
        room_id=deleted.room_id,
        session_id=deleted.session_id,
        participant_id=deleted.participant_id,
        participant_recording_id=deleted.participant_recording_id,
        kind=deleted.kind,
        at=now,
    )
