"""Sees to it that room recordings end that nobody started, or whose session is over."""

from __future__ import annotations

from collections.abc import Iterator

from services.gateway.domain.recording import FailRecording, StopRecording
from services.gateway.process_manager import RecordedSession, due, follow
from services.gateway.recordings import RoomRecordings
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context
from shared.eventsourcing.coordinator import Coordinator
from shared.runtime.clock import Clock


class RecordedSessions:
    """Runs the process manager. Several gateways may at once: what two of them ask for is done once."""

    def __init__(self, recordings: RoomRecordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock
        self._sessions: dict[str, RecordedSession] = {}
        self._coordinator = Coordinator(self._due, self._give)

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        session_id: str = getattr(event, "session_id", "")
        before = self._sessions.get(session_id)
        session = follow(before, event)
        if session is before:
            return  # most of what happens in a meeting is nothing to its recording
        if session:
            self._sessions[session_id] = session
        else:
            self._sessions.pop(session_id, None)
        self._coordinator.look_again()

    async def run(self) -> None:
        """Give what is due, whenever something happened and now and then, for ever."""
        await self._coordinator.run()

    def _due(self) -> Iterator[StopRecording | FailRecording]:
        now = self._clock()
        return (command for session in self._sessions.values() for command in due(session, now))

    async def _give(self, command: StopRecording | FailRecording) -> None:
        await self._recordings.give(command, Context.begin("service:gateway"))
