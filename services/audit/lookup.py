"""Finding what concerns a recording in the log. What does not concern it is read, but not decoded."""

from __future__ import annotations

from dataclasses import dataclass

from services.audit.projections.line import Entry
from services.audit.projections.recordings import RecordingOnRecord, take_note
from services.audit.projections.timeline import RecordingTimeline, only, timelines
from services.audit.reading import Progress, mentions, needle, pages, silent
from shared.contracts.participant_recording import ParticipantRecordingEvent, ParticipantRecordingRequested
from shared.contracts.recording import RecordingEvent
from shared.eventsourcing.codec import decode
from shared.eventsourcing.store import EventStore
from shared.runtime.errors import StartupError

#: How the wire types begin, whatever their version, by which recordings are listed.
_LISTED = "recording.", "participant-recording."


class RecordingNotFoundError(StartupError):
    """The log knows no such recording."""

    def __init__(self, recording_id: str, position: int) -> None:
        super().__init__(
            f"the log has no recording {recording_id!r} up to global position {position}: "
            "`onrecord audit recordings` lists those it has"
        )
        self.recording_id = recording_id
        self.position = position


@dataclass(frozen=True, slots=True)
class Examined:
    """A recording's timeline, and the global position up to which the log was read for it."""

    told: RecordingTimeline
    position: int


@dataclass(frozen=True, slots=True)
class _Found:
    session_id: str
    recording_id: str
    #: None: all of them.
    participant_id: str | None = None


async def examine(store: EventStore, identifier: str, progress: Progress = silent) -> Examined:
    """Return the timeline of a recording; of a participant recording: that of its participant alone.

    Raises RecordingNotFoundError, and what `decode` raises.
    """
    last = await store.head()
    found = await _find(store, identifier, last, progress)
    entries = await session_entries(store, found.session_id, last, progress)
    told = next((told for told in timelines(entries) if told.recording_id == found.recording_id), None)
    if told is None:  # a part of it is there, but not its own request
        raise RecordingNotFoundError(found.recording_id, last)
    return Examined(told if found.participant_id is None else only(told, found.participant_id), last)


async def session_entries(store: EventStore, session_id: str, last: int, progress: Progress = silent) -> list[Entry]:
    """Return what the log has of a session, up to global position `last`."""
    wanted = needle(session_id)
    entries: list[Entry] = []
    async for page in pages(store, last, progress):
        entries += [Entry(stored, decode(stored)) for stored in page if mentions(stored.payload, wanted)]
    return [entry for entry in entries if getattr(entry.event, "session_id", None) == session_id]


async def list_recordings(store: EventStore, progress: Progress = silent) -> list[RecordingOnRecord]:
    """Return all recordings, in the order in which they were asked for."""
    known: dict[str, RecordingOnRecord] = {}
    async for page in pages(store, await store.head(), progress):
        for stored in page:
            if stored.type.startswith(_LISTED):
                take_note(known, decode(stored), stored.actor)
    return list(known.values())


async def _find(store: EventStore, identifier: str, last: int, progress: Progress) -> _Found:
    wanted = needle(identifier)
    async for page in pages(store, last, progress):
        for stored in page:
            if not mentions(stored.payload, wanted):
                continue
            match decode(stored):
                case RecordingEvent() as event if event.recording_id == identifier:
                    return _Found(event.session_id, event.recording_id)
                case ParticipantRecordingRequested() as event if event.participant_recording_id == identifier:
                    return _Found(event.session_id, event.recording_id or identifier, event.participant_id)
                case ParticipantRecordingEvent() as event if event.participant_recording_id == identifier:
                    return _Found(event.session_id, identifier, event.participant_id)
                case _:
                    pass
    raise RecordingNotFoundError(identifier, last)
