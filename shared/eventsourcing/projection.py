"""A projection: a read model in Postgres, made of the log's events and of nothing else.

So it can be thrown away and made again, and is the same then. What it cannot read it does not skip: an answer that
leaves something out is worse than one that is late.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from shared.contracts.message import Event
from shared.contracts.registry import EVENTS
from shared.eventsourcing.codec import decode
from shared.eventsourcing.errors import EventSourcingError, MalformedEventError, UnknownEventTypeError
from shared.eventsourcing.event import StoredEvent

#: An event, and how the log holds it.
Told = tuple[Event, StoredEvent]
#: Writes what the events change. The connection is in a transaction and finds the projection's tables without a schema.
Apply = Callable[[asyncpg.Connection, Sequence[Told]], Awaitable[None]]


class ProjectionStoppedError(EventSourcingError):
    """A projection has come to an event that it cannot read, and stays before it."""

    def __init__(self, projection: str, unreadable: StoredEvent, reason: str) -> None:
        position = unreadable.global_position or 0
        super().__init__(
            f"projection {projection} has stopped before global position {position}, an event of type "
            f"{unreadable.type}: {reason}. Nothing is skipped: "
            "run a version of onrecord that can read it, and it goes on from there"
        )
        self.projection = projection
        self.position = position
        self.event_type = unreadable.type


class ProjectionFailedError(EventSourcingError):
    """A projection cannot write what it reads: its tables or its program are not as they should be."""

    def __init__(self, projection: str, reason: str) -> None:
        super().__init__(
            f"projection {projection} has failed: {reason}. Nothing is skipped, and it is tried again every few "
            "seconds: run a version of onrecord that can write it, or make it anew with "
            f"onrecord projections rebuild {projection}"
        )
        self.projection = projection
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Projection:
    """What a read model is made of, and how."""

    #: Also the schema that its tables are in.
    name: str
    #: Counted up when `tables` or `apply` change: the next start makes it anew, beside the one of the old version.
    version: int
    #: SQL that makes its tables and their indexes, without a schema. It may make nothing else.
    tables: str
    #: Contracts of the events that it is made of. Others are not handed to it.
    events: tuple[type[Event], ...]
    apply: Apply
    #: Types of other streams' events, which need not be decoded. Of a type that is unknown it cannot be said whose it
    #: is; of an older version, only that it is the same stream's.
    _others: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_others", _others(self.events))

    def read(self, page: Sequence[StoredEvent]) -> Reading:
        """Return what the page tells it, up to the first event that cannot be read."""
        told: list[Told] = []
        position = 0
        for stored in page:
            if stored.type not in self._others:
                try:
                    event = decode(stored)
                except (UnknownEventTypeError, MalformedEventError) as error:
                    return Reading(told, position, ProjectionStoppedError(self.name, stored, str(error)))
                if isinstance(event, self.events):
                    told.append((event, stored))
            position = stored.global_position or 0
        return Reading(told, position)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page of the log tells a projection."""

    told: list[Told]
    #: Global position of the last event that could be read; 0 when not even the first could.
    position: int
    unreadable: ProjectionStoppedError | None = None


def _others(events: tuple[type[Event], ...]) -> frozenset[str]:
    ours = {_category(name) for name, contract in EVENTS.items() if issubclass(contract, events)}
    return frozenset(name for name in EVENTS if _category(name) not in ours)


def _category(wire_type: str) -> str:
    return wire_type.partition(".")[0]
