"""Between contracts and the log's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from pydantic import ValidationError

from shared.contracts.message import Event
from shared.contracts.registry import EVENTS
from shared.eventsourcing.errors import MalformedEventError, UnknownEventTypeError
from shared.eventsourcing.event import NewEvent, StoredEvent


@dataclass(frozen=True, slots=True)
class Context:
    """Who said it and what led to it."""

    actor: str
    causation_id: UUID
    correlation_id: UUID

    @classmethod
    def begin(cls, actor: str) -> Context:
        """Return the context of something that nothing else led to."""
        origin = uuid4()
        return cls(actor, origin, origin)


def encode(event: Event, context: Context) -> NewEvent:
    """Return the event as it is to be appended."""
    return NewEvent(
        id=uuid4(),
        type=event.type,
        payload=event.encode(),
        occurred_at=event.at,
        actor=context.actor,
        causation_id=context.causation_id,
        correlation_id=context.correlation_id,
    )


def decode(stored: StoredEvent) -> Event:
    """Return the typed event. Raises UnknownEventTypeError and MalformedEventError."""
    contract = EVENTS.get(stored.type)
    if contract is None:
        raise UnknownEventTypeError(stored.type)
    try:
        return contract.model_validate_json(stored.payload)
    except ValidationError as error:
        raise MalformedEventError(stored.stream, stored.position, str(error)) from error
