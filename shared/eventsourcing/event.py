"""An event before and after it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that was decided and waits to be appended."""

    id: UUID
    #: Wire type with version, for instance `consent.given.v1`.
    type: str
    #: The exact bytes that were decided; they are never written anew.
    payload: bytes
    occurred_at: datetime
    #: Who said so, for instance `participant:alice`.
    actor: str
    #: The message that led to it, and the first one of the whole chain.
    causation_id: UUID
    correlation_id: UUID


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the log holds it."""

    stream: str
    #: Place in its stream, from 1, without holes.
    position: int
    #: Place in the log, from 1, without holes. None until the sequencer has given it.
    global_position: int | None
    id: UUID
    type: str
    payload: bytes
    occurred_at: datetime
    actor: str
    causation_id: UUID
    correlation_id: UUID
