"""Which sessions are due to end by themselves, as their rooms say: a fold of events, and the commands that are due.

Pure. A command is due until the session's end has been seen; one that is given twice is refused the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from shared.contracts.message import Event
from shared.contracts.room import SessionEnded, SessionStarted


@dataclass(frozen=True, slots=True)
class ClosingSession:
    """A live session that ends by itself."""

    room_id: str
    session_id: str
    closes_at: datetime


#: By session.
ClosingSessions = Mapping[str, ClosingSession]
NONE: ClosingSessions = MappingProxyType({})


def follow(sessions: ClosingSessions, event: Event) -> ClosingSessions:
    """Return what the next event of the log makes of them; the same ones when it is nothing to them."""
    match event:
        case SessionStarted(closes_at=datetime() as closes_at):
            closing = ClosingSession(event.room_id, event.session_id, closes_at)
            return MappingProxyType({**sessions, event.session_id: closing})
        case SessionEnded() if event.session_id in sessions:
            return MappingProxyType({known: each for known, each in sessions.items() if known != event.session_id})
        case _:
            return sessions


def due(sessions: ClosingSessions, now: datetime) -> Iterator[ClosingSession]:
    """Yield those that should be over."""
    return (session for session in sessions.values() if session.closes_at <= now)
