"""Ends sessions whose room says how long they last."""

from __future__ import annotations

from collections.abc import Iterator

from services.gateway.auto_close import NONE, ClosingSession, due, follow
from services.gateway.handlers import Rooms
from shared.contracts.message import Event
from shared.eventsourcing.coordinator import Coordinator
from shared.runtime.clock import Clock


class ClosingSessions:
    """Runs the process manager. Several gateways may at once: what two of them ask for is done once."""

    def __init__(self, rooms: Rooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock
        self._sessions = NONE
        self._coordinator = Coordinator(self._due, self._end)

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        self._sessions = follow(self._sessions, event)

    async def run(self) -> None:
        """End what is due, now and then, for ever."""
        await self._coordinator.run()

    def _due(self) -> Iterator[ClosingSession]:
        return due(self._sessions, self._clock())

    async def _end(self, session: ClosingSession) -> None:
        await self._rooms.end_session("service:gateway", session.room_id, session.session_id, "auto_close")
