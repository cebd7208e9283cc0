"""Which consents are to be cleared, from what happened: a fold of events, and the commands that are due.

Pure. Of a room that does not keep a yes, one ends when its participant leaves and when a recording stops. Streams come
into the log beside each other, so a yes may stand before or after the stop that it was said after or before: moments
count, not places.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from services.consent.domain.consent import ClearConsent
from shared.contracts.consent import (
    ClearReason,
    ConsentAttested,
    ConsentCleared,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    consent_stream,
)
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ParticipantLeft, SessionEnded, SessionStarted
from shared.eventsourcing.process import Process

#: How many stops of a session and leaves of a participant are remembered. Should a yes come into the log later than as
#: many of them, it is cleared at the oldest of those.
_REMEMBERED = 16
#: How many of those who left a session, and do not consent, are remembered: a yes of before may be on its way.
_LEFT = 1000

#: In the order of their moments.
_Moments = tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A session that does not keep a yes, as far as that goes."""

    room_id: str
    session_id: str
    #: Who consents, and the moment of their newest yes.
    consenting: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    #: When participants left, who left last at the end.
    left: Mapping[str, _Moments] = field(default_factory=lambda: MappingProxyType({}))
    stopped: _Moments = ()
    is_over: bool = False


def follow(session: Session | None, event: Event) -> Session | None:
    """Return what an event makes of its session; None for one that keeps a yes, or that we know nothing of."""
    if isinstance(event, SessionStarted):
        return Session(event.room_id, event.session_id) if event.consent_policy == "clear" else None
    return evolve(session, event) if session else None


def evolve(session: Session, event: Event) -> Session:
    match event:
        case ConsentGiven() | ConsentAttested():
            said = {**session.consenting, event.participant_id: event.at}
            return replace(session, consenting=MappingProxyType(said))
        case ConsentRefused() | ConsentWithdrawn() | ConsentCleared():
            others = {who: yes for who, yes in session.consenting.items() if who != event.participant_id}
            return replace(session, consenting=MappingProxyType(others))
        case ParticipantLeft():
            return replace(session, left=_after_leave(session, event.participant_id, event.at))
        case RecordingStopped():
            return replace(session, stopped=_with(session.stopped, event.at))
        case SessionEnded():
            return replace(session, is_over=True)
        case _:
            return session


def due(session: Session, _: datetime) -> Iterator[ClearConsent]:
    """Yield the commands that should be given now, whatever the time."""
    return _owed(session)


def rests(session: Session) -> bool:
    """Tell whether it is over and owes nothing. A yes that waited for this service may still come."""
    return session.is_over and not any(_owed(session))


def _owed(session: Session) -> Iterator[ClearConsent]:
    """Yield what ends each yes: the first cause that came with it or after it."""
    for who, yes in sorted(session.consenting.items()):
        causes = [*_since(yes, session.left.get(who, ()), "left"), *_since(yes, session.stopped, "recording_stopped")]
        if causes:
            at, reason = min(causes)
            yield ClearConsent(session.room_id, session.session_id, who, reason, at)


def _since(yes: datetime, moments: _Moments, reason: ClearReason) -> Iterator[tuple[datetime, ClearReason]]:
    return ((moment, reason) for moment in moments if moment >= yes)


def _with(moments: _Moments, moment: datetime) -> _Moments:
    known = list(moments)
    insort(known, moment)
    return tuple(known[-_REMEMBERED:])


def _after_leave(session: Session, who: str, at: datetime) -> Mapping[str, _Moments]:
    left = {other: moments for other, moments in session.left.items() if other != who}
    if len(left) >= _LEFT and (longest_gone := next((one for one in left if one not in session.consenting), None)):
        del left[longest_gone]
    return MappingProxyType({**left, who: _with(session.left.get(who, ()), at)})


def _session_id(event: Event) -> str | None:
    return getattr(event, "session_id", None)


def _stream(command: ClearConsent) -> str:
    return consent_stream(command.session_id, command.participant_id)


CLEARING: Process[Session, ClearConsent] = Process(_session_id, follow, due, _stream, rests=rests)
