"""Reads what goes into a merge: the files of its recordings, once all of them are finished."""

from __future__ import annotations

from collections.abc import Sequence

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.merging.pieces import Piece, pieces_of, unusable
from shared.contracts.merge import MergeInput, MergeRequested
from shared.contracts.message import Event
from shared.contracts.participant_recording import participant_recording_stream
from shared.eventsourcing.codec import decode
from shared.eventsourcing.store import EventStore


class Inputs:
    """Reads what became of recordings."""

    def __init__(self, log: EventStore, objects: LocalObjectStore) -> None:
        self._log = log
        self._objects = objects

    async def of(self, requested: MergeRequested) -> list[Piece] | MergeInput:
        """Return the files, or the first recording that is not finished yet. Raises InputUnusableError."""
        pieces: list[Piece] = []
        for one in requested.inputs:
            found = pieces_of(one, await self._happened(requested.session_id, one))
            if found is None:
                return one
            self._check(one, found, requested)
            pieces += found
        return pieces

    async def _happened(self, session_id: str, one: MergeInput) -> list[Event]:
        stream = participant_recording_stream(session_id, one.participant_id, one.kind)
        return [decode(stored) for stored in await self._log.read(stream)]

    def _check(self, one: MergeInput, pieces: Sequence[Piece], requested: MergeRequested) -> None:
        if requested.layout == "stereo" and not any(piece.has_sound for piece in pieces):
            raise unusable(one, "has no sound: leave it out")
        for piece in pieces:
            if not self._objects.path(piece.file.path).is_file():
                raise unusable(one, f"is not in the store: {piece.file.path} is missing")
