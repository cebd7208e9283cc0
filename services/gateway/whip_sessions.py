"""WHIP sessions of participants who are in a room: opened by a worker, and carried on with that one."""

from __future__ import annotations

from dataclasses import dataclass

from services.gateway.rooms import Rooms
from shared.concurrency.clock import Clock
from shared.contracts import actors
from shared.contracts.reply import Accepted
from shared.contracts.whip_session import (
    CloseWhipSession,
    OpenWhipSession,
    PatchWhipSession,
    WhipSessionOpened,
    WhipSessionPatched,
)
from shared.eventsourcing.codec import Context
from shared.messaging.asking import Owners


@dataclass(frozen=True, slots=True)
class WhipSession:
    """Whose session it is, and where."""

    room_id: str
    participant_id: str
    worker_id: str
    whip_session_id: str


class WhipSessions:
    """Asks workers. Each method raises RefusedError and BusError."""

    def __init__(self, rooms: Rooms, owners: Owners, clock: Clock) -> None:
        self._rooms = rooms
        self._owners = owners
        self._clock = clock

    async def open(self, room_id: str, participant_id: str, offer: str) -> WhipSessionOpened:
        """Have a worker receive what a participant offers."""
        command = OpenWhipSession(
            at=self._clock(),
            room_id=room_id,
            session_id=await self._rooms.session_of(room_id, participant_id),
            participant_id=participant_id,
            offer=offer,
        )
        return await self._owners.ask(command, _context(participant_id), WhipSessionOpened)

    async def patch(self, session: WhipSession, fragment: str, ice: str | None) -> WhipSessionPatched:
        """Tell the session's worker more of its client; `ice` is None where whichever ICE session is meant."""
        command = PatchWhipSession(at=self._clock(), **_about(session), fragment=fragment, ice=ice)
        return await self._owners.ask(command, _context(session.participant_id), WhipSessionPatched)

    async def close(self, session: WhipSession) -> None:
        """End it."""
        command = CloseWhipSession(at=self._clock(), **_about(session))
        await self._owners.ask(command, _context(session.participant_id), Accepted)


def _context(participant_id: str) -> Context:
    return Context.begin(actors.participant(participant_id))


def _about(session: WhipSession) -> dict[str, str]:
    return {
        "worker_id": session.worker_id,
        "whip_session_id": session.whip_session_id,
        "room_id": session.room_id,
        "participant_id": session.participant_id,
    }
