"""Events to append: of about 500 bytes, made by a real contract. The same payloads for a seed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import cycle
from random import Random
from statistics import mean
from uuid import UUID

from services.bench.meetings import recorded_file
from shared.contracts import actors
from shared.contracts.participant_recording import ParticipantRecordingStopped
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.event_id import new_event_id

_PAYLOADS = 1000
_ACTOR = actors.service("recorder")


class Supply:
    """Hands out new events with an id of their own."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311  a seed shall give the same payloads
        self._moment = datetime(2030, 1, 1, tzinfo=UTC)
        self._origin = UUID(bytes=random.randbytes(16), version=4)
        payloads = [self._payload(random) for _ in range(_PAYLOADS)]
        self.mean_bytes = round(mean(map(len, payloads)))
        self._payloads = cycle(payloads)

    def new_event(self) -> NewEvent:
        return NewEvent(
            id=new_event_id(),
            type=ParticipantRecordingStopped.type,
            payload=next(self._payloads),
            occurred_at=self._moment,
            actor=_ACTOR,
            causation_id=self._origin,
            correlation_id=self._origin,
        )

    def _payload(self, random: Random) -> bytes:
        session_id, name = str(UUID(bytes=random.randbytes(16), version=4)), f"participant-{random.randrange(100)}"
        return ParticipantRecordingStopped(
            at=self._moment,
            room_id=random.randbytes(8).hex(),
            session_id=session_id,
            participant_id=name,
            participant_recording_id=str(UUID(bytes=random.randbytes(16), version=4)),
            file=recorded_file(random, f"{session_id}/{name}/participant_recording_{name}_1893456000000.webm"),
        ).encode()
