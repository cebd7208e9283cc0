"""What a worker tells the log of a recording: it is told until it is there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.reporting import confirm, report
from shared.contracts.participant_recording import ParticipantRecordingStarted, ParticipantRecordingStopped
from shared.eventsourcing import insisting
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import NewEvent
from tests.support import participant_recordings as ann
from tests.support.events import append
from tests.support.in_memory import InMemoryEventStore

#: More than one command is decided anew because others were faster.
_STORM = [ConcurrencyConflictError("s", 1, 2) for _ in range(50)]
_CONTEXT = Context.begin("worker:worker")


class StormyEventStore(InMemoryEventStore):
    """Refuses appends with these errors, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return await super().append(stream, expected, events)


@pytest.mark.parametrize("errors", [_STORM, [LogUnavailableError("away")], [*_STORM, LogUnavailableError("away")]])
async def test_neither_an_outage_nor_a_storm_of_conflicts_loses_a_word(
    errors: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0)
    log = StormyEventStore()
    await append(log, ann.requested().stream, [encode(ann.requested(), _CONTEXT)])
    log.errors = list(errors)
    assert await confirm(ParticipantRecordingStreams(log), ann.confirm(), _CONTEXT)
    log.errors = list(errors)
    await report(ParticipantRecordingStreams(log), ann.finish(), _CONTEXT)
    types = [stored.type for stored in await log.read(ann.requested().stream)]
    assert types[1:] == [ParticipantRecordingStarted.type, ParticipantRecordingStopped.type]
