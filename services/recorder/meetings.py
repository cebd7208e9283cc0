"""Runs the process manager: follows what happens, and gives the commands that are due."""

from __future__ import annotations

from collections.abc import Iterator

from services.recorder.domain.participant_recording import ParticipantRecordingCommand
from services.recorder.handlers import RecorderStreams
from services.recorder.process_manager import Meeting, due, follow
from shared.contracts.message import Event
from shared.contracts.room import RoomCreated, SessionStarted
from shared.eventsourcing.codec import Context
from shared.eventsourcing.coordinator import Coordinator
from shared.runtime.clock import Clock


class Meetings:
    """Knows every session that is not over. Several may run at once: what two of them ask for is done once."""

    def __init__(self, streams: RecorderStreams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._meetings: dict[str, Meeting] = {}
        #: Where the files of those rooms go that say so.
        self._prefixes: dict[str, str] = {}
        self._coordinator = Coordinator(self._due, self._give)

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        if isinstance(event, RoomCreated) and event.storage_prefix:
            self._prefixes[event.room_id] = event.storage_prefix
        session_id: str = getattr(event, "session_id", "")
        prefix = self._prefixes.get(event.room_id, "") if isinstance(event, SessionStarted) else ""
        meeting = follow(self._meetings.get(session_id), event, prefix)
        if meeting:
            self._meetings[session_id] = meeting
        else:
            self._meetings.pop(session_id, None)
        self._coordinator.look_again()

    async def run(self) -> None:
        """Give what is due, whenever something happened and now and then, for ever."""
        await self._coordinator.run()

    def _due(self) -> Iterator[ParticipantRecordingCommand]:
        return (command for meeting in self._meetings.values() for command in due(meeting, self._clock()))

    async def _give(self, command: ParticipantRecordingCommand) -> None:
        await self._streams.give(command, Context.begin("service:recorder"))
