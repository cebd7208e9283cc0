"""What the recorder has to do next in a room: a fold of its events, and the commands that are due in its sessions.

Pure. By room and not by session, because where the files of a session go is said once, by its room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from services.recorder.domain.participant_recording import ParticipantRecordingCommand
from services.recorder.process_managers import sessions
from services.recorder.process_managers.sessions import RecordedSession
from shared.contracts.message import Event
from shared.contracts.participant_recording import participant_recording_stream
from shared.contracts.room import RoomCreated, RoomDeactivated
from shared.eventsourcing.process import Process


@dataclass(frozen=True, slots=True)
class RecordedRoom:
    """A room, as far as recording is concerned."""

    #: Where the files of its next sessions go.
    storage_prefix: str = ""
    #: Those that are not over.
    sessions: Mapping[str, RecordedSession] = field(default_factory=lambda: MappingProxyType({}))


def follow(room: RecordedRoom | None, event: Event) -> RecordedRoom | None:
    """Return what an event makes of its room; None while there is nothing to remember."""
    before = room or RecordedRoom()
    match event:
        case RoomCreated():
            after = replace(before, storage_prefix=event.storage_prefix)
        case RoomDeactivated():
            # No session starts in it any more.
            after = replace(before, storage_prefix="")
        case _:
            after = _with_session(before, event)
    if after is before:
        return room
    return after if after.storage_prefix or after.sessions else None


def due(room: RecordedRoom, now: datetime) -> Iterator[ParticipantRecordingCommand]:
    """Yield the commands that should be given now."""
    for session in room.sessions.values():
        yield from sessions.due(session, now)


def next_at(room: RecordedRoom) -> datetime | None:
    """Return when somebody has been waited for long enough."""
    moments = (sessions.next_at(session) for session in room.sessions.values())
    return min((moment for moment in moments if moment), default=None)


def _with_session(room: RecordedRoom, event: Event) -> RecordedRoom:
    session_id: str = getattr(event, "session_id", "")
    known = room.sessions.get(session_id)
    session = sessions.follow(known, event, room.storage_prefix)
    if session is known:
        return room
    others = {other: one for other, one in room.sessions.items() if other != session_id}
    return replace(room, sessions=MappingProxyType({**others, session_id: session} if session else others))


def _stream(command: ParticipantRecordingCommand) -> str:
    return participant_recording_stream(command.session_id, command.participant_id, command.kind)


def _room_id(event: Event) -> str | None:
    return getattr(event, "room_id", None)


RECORDED_ROOMS: Process[RecordedRoom, ParticipantRecordingCommand] = Process(_room_id, follow, due, _stream, next_at)
