"""Merges, as servers ask for them: one file made of several participants' recordings of a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from services.gateway.domain.room_errors import UnknownSessionError
from services.gateway.merge_sources import MergeSources, NotRecordedError, Source
from services.gateway.participant_recordings import joined_folders
from services.gateway.projections.kept_recordings import KeptMerge, KeptRecording
from services.gateway.projections.recordings_read import Found, Recordings, WhichMerges
from services.gateway.rooms import Rooms
from shared.concurrency.clock import Clock
from shared.contracts.merge import CancelMerge, MergeInput, MergeLayout, StartMerge
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.store import EventStore
from shared.messaging.asking import Owners

#: How many recordings one merge is made of, at most.
MOST_INPUTS = 100

#: Tells the room of a session, live or over; None: there was never such a session. Raises LogUnavailableError.
RoomOf = Callable[[str], Awaitable[str | None]]


class MergeNotFoundError(RefusedError):
    """There is no such merge."""

    code = "merge_not_found"

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"merge {merge_id} not found: it is an id that a start of a merge answered")
        self.merge_id = merge_id


class SeveralSessionsError(RefusedError):
    """The recordings are not of one session."""

    code = "several_sessions"

    def __init__(self, session_ids: Sequence[str]) -> None:
        super().__init__(f"the recordings are of sessions {', '.join(session_ids)}: merge those of one session")
        self.session_ids = tuple(session_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a merge, and what becomes of it."""

    actor: str
    webhook_url: str | None = None
    #: Below the room's own.
    storage_prefix: str = ""


class Merges:
    """The merges of all sessions. Each method raises RefusedError, LogUnavailableError and BusError."""

    def __init__(
        self, rooms: Rooms, room_of: RoomOf, store: EventStore, recordings: Recordings, owners: Owners, clock: Clock
    ) -> None:
        self._rooms = rooms
        self._store = store
        self._room_of = room_of
        self._recordings = recordings
        self._owners = owners
        self._clock = clock

    async def room_of(self, session_id: str) -> str:
        """Return the session's room. Raises UnknownSessionError."""
        room_id = await self._room_of(session_id)
        if room_id is None:
            raise UnknownSessionError(session_id)
        return room_id

    async def start_stereo(
        self, session_id: str, left: Sequence[Source], right: Sequence[Source], asked: Asked
    ) -> KeptMerge:
        """Have the left ones' sound mixed to the left channel, the right ones' to the right one."""
        sources = await self._sources(await self.room_of(session_id), session_id)
        inputs = [_input(await sources.sound(source), 1) for source in left]
        inputs += [_input(await sources.sound(source), 2) for source in right]
        return await self._start(sources, "stereo", inputs, asked)

    async def found(self, recording_ids: Sequence[str]) -> list[KeptRecording]:
        """Return recordings of one session. Raises NotRecordedError and SeveralSessionsError."""
        known = {one.id: one for one in await self._recordings.named(recording_ids) if one.is_shown}
        if missing := [one for one in recording_ids if one not in known]:
            raise NotRecordedError(f"recording {missing[0]} not found")
        found = [known[one] for one in recording_ids]
        sessions = sorted({recording.session_id for recording in found})
        if len(sessions) > 1:
            raise SeveralSessionsError(sessions)
        return found

    async def start_grid(self, recordings: Sequence[KeptRecording], asked: Asked) -> KeptMerge:
        """Have the pictures of recordings of one session laid side by side, with all their sound."""
        sources = await self._sources(recordings[0].room_id, recordings[0].session_id)
        inputs = [_input(await sources.now(recording), 1) for recording in recordings]
        return await self._start(sources, "grid", inputs, asked)

    async def merge(self, merge_id: str, layout: MergeLayout) -> KeptMerge:
        """Return a merge of that layout. Raises MergeNotFoundError."""
        merge = await self._recordings.merge(merge_id)
        if merge is None or merge.layout != layout:
            raise MergeNotFoundError(merge_id)
        return merge

    async def list(self, which: WhichMerges, limit: int, offset: int) -> Found[KeptMerge]:
        """Return at most `limit` after the newest `offset` ones."""
        return await self._recordings.merges(which, limit, offset)

    async def cancel(self, merge: KeptMerge, actor: str) -> KeptMerge:
        """Let it be, and return it as it is then."""
        command = CancelMerge(at=self._clock(), merge_id=merge.id, set_id=merge.set_id, cancelled_by=actor)
        await self._owners.ask(command, Context.begin(actor), Accepted)
        # Read anew: a worker may have begun it in between.
        cancelled = await self.merge(merge.id, merge.layout)
        return cancelled if cancelled.ended_at else replace(cancelled, state="cancelled", ended_at=command.at)

    async def _sources(self, room_id: str, session_id: str) -> MergeSources:
        return MergeSources(self._store, room_id, await self._rooms.room(room_id), session_id)

    async def _start(
        self, sources: MergeSources, layout: MergeLayout, inputs: Sequence[MergeInput], asked: Asked
    ) -> KeptMerge:
        command = StartMerge(
            at=self._clock(),
            room_id=sources.room_id,
            session_id=sources.session_id,
            merge_id=str(uuid4()),
            layout=layout,
            inputs=tuple(dict.fromkeys(inputs)),
            webhook_url=asked.webhook_url,
            storage_prefix=joined_folders(sources.room.settings.storage_prefix, asked.storage_prefix),
        )
        await self._owners.ask(command, Context.begin(asked.actor), Accepted)
        return _begun(command)


def _input(recording: KeptRecording, channel: Literal[1, 2]) -> MergeInput:
    return MergeInput(
        participant_id=recording.participant_id,
        participant_recording_id=recording.id,
        kind=recording.kind,
        channel=channel,
    )


def _begun(command: StartMerge) -> KeptMerge:
    """Return the merge as reads will show it."""
    return KeptMerge(
        id=command.merge_id,
        position=0,
        set_id=command.set_id,
        room_id=command.room_id,
        session_id=command.session_id,
        layout=command.layout,
        inputs=command.inputs,
        state="pending",
        requested_at=command.at,
        storage_prefix=command.storage_prefix,
    )
