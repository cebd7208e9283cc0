"""Runs the process manager: follows the log, and gives the commands that are due."""

from __future__ import annotations

import asyncio

import structlog

from services.recorder.handlers import RecorderStreams
from services.recorder.process_manager import Meeting, RecorderCommand, due, follow
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: How often commands are looked for that time makes due, or that failed before.
_TICK_SECONDS = 0.5


class Coordinator:
    """Knows every session that is not over. Several may run at once: what two of them ask for is done once."""

    def __init__(self, streams: RecorderStreams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._meetings: dict[str, Meeting] = {}
        self._changed = asyncio.Event()

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        session_id: str = getattr(event, "session_id", "")
        meeting = follow(self._meetings.get(session_id), event)
        if meeting:
            self._meetings[session_id] = meeting
        else:
            self._meetings.pop(session_id, None)
        self._changed.set()

    async def run(self) -> None:
        """Give what is due, whenever something happened and now and then, for ever."""
        while True:
            self._changed.clear()
            for meeting in list(self._meetings.values()):
                for command in due(meeting, self._clock()):
                    await self._give(command)
            try:
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _give(self, command: RecorderCommand) -> None:
        try:
            await self._streams.give(command, Context.begin("service:recorder"))
        except RefusedError as error:
            _log.info("not due any more", command=type(command).__name__, reason=str(error))
        except (LogUnavailableError, ConcurrencyConflictError) as error:
            _log.warning("will be given again", command=type(command).__name__, reason=str(error))
