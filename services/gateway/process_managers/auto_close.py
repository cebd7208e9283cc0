"""Which sessions are due to end by themselves, as their rooms say: a fold of events, and what is due.

Pure. That a session is to end is refused the second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.message import Event
from shared.contracts.room import SessionEnded, SessionStarted, room_stream
from shared.eventsourcing.process import Process


@dataclass(frozen=True, slots=True)
class ClosingSession:
    """A live session that ends by itself."""

    room_id: str
    session_id: str
    closes_at: datetime


def follow(session: ClosingSession | None, event: Event) -> ClosingSession | None:
    """Return what an event makes of its session; None for one that is over, or does not end by itself."""
    match event:
        case SessionStarted(closes_at=datetime() as closes_at):
            return ClosingSession(event.room_id, event.session_id, closes_at)
        case SessionEnded():
            return None
        case _:
            return session


def due(session: ClosingSession, now: datetime) -> Iterator[ClosingSession]:
    """Yield it if it should be over."""
    if session.closes_at <= now:
        yield session


def next_at(session: ClosingSession) -> datetime:
    return session.closes_at


def _session_id(event: Event) -> str | None:
    return getattr(event, "session_id", None)


def _stream(session: ClosingSession) -> str:
    return room_stream(session.room_id)


AUTO_CLOSE: Process[ClosingSession, ClosingSession] = Process(_session_id, follow, due, _stream, next_at)
