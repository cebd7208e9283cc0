"""Between contracts and the log's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from pydantic import ValidationError

from shared.contracts.message import Event
from shared.contracts.registry import EVENTS
from shared.contracts.upcasting import upcast
from shared.eventsourcing.errors import MalformedEventError, UnknownEventTypeError
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.event_id import new_event_id


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
        id=new_event_id(),
        type=event.type,
        payload=event.encode(),
        occurred_at=event.at,
        actor=context.actor,
        causation_id=context.causation_id,
        correlation_id=context.correlation_id,
    )


#: Not model_validate_json, which asks for more options than a replay of millions wants to pay for.
_READERS: dict[str, Callable[[bytes], Event]] = {
    wire_type: contract.__pydantic_validator__.validate_json for wire_type, contract in EVENTS.items()
}


def decode(stored: StoredEvent) -> Event:
    """Return the typed event in its newest version. Raises UnknownEventTypeError and MalformedEventError."""
    read = _READERS.get(stored.type)
    if read is None:
        raise UnknownEventTypeError(stored.type, stored.stream, stored.position)
    try:
        event = read(stored.payload)
    except ValidationError as error:
        raise MalformedEventError(stored.stream, stored.position, str(error)) from error
    return upcast(event)
