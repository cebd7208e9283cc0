"""A log that is out of reach for a while."""

from __future__ import annotations

from collections.abc import Sequence

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.event import NewEvent
from tests.support.in_memory import InMemoryEventStore


class UnreliableEventStore(InMemoryEventStore):
    """Refuses appends as often as it is told to, before it has written anything or after."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 0
        self.writes_before_it_refuses = False

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if not self.refusals:
            return await super().append(stream, expected, events)
        self.refusals -= 1
        if self.writes_before_it_refuses:
            await super().append(stream, expected, events)
        raise LogUnavailableError("the test said so")
