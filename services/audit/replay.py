"""Replay: the state of every stream from the log alone, up to any position or time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from shared.eventsourcing.codec import decode
from shared.eventsourcing.decider import Decider
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore

_PAGE = 1000

#: The deciders by the first word of their events' wire types, which is also how their streams' names begin.
Deciders = Mapping[str, Decider[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Until:
    """Where a replay ends: after a global position, or with what took effect up to a moment. Neither: at the head."""

    position: int | None = None
    moment: datetime | None = None

    def admits(self, stored: StoredEvent) -> bool:
        return self.moment is None or stored.occurred_at <= self.moment


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay gives."""

    #: Global position of the last event that was read.
    position: int
    events: int
    #: By category (`room`, `consent`, …), then by stream.
    states: Mapping[str, Mapping[str, Any]]


async def replay(store: EventStore, deciders: Deciders, until: Until) -> Replayed:
    """Fold the log into the state of each stream. Raises what `decode` raises: an audit must not skip anything."""
    states: dict[str, dict[str, Any]] = {category: {} for category in deciders}
    position = events = 0
    async for stored in read_log(store, until.position):
        position = stored.global_position or position
        category, event = stored.type.partition(".")[0], decode(stored)
        if until.admits(stored) and category in deciders:
            streams, decider = states[category], deciders[category]
            streams[stored.stream] = decider.evolve(streams.get(stored.stream, decider.initial), event)
            events += 1
    return Replayed(position, events, states)


async def read_log(store: EventStore, last: int | None = None) -> AsyncIterator[StoredEvent]:
    """Yield the log's events in order, up to global position `last`."""
    position = 0
    while page := await store.read_all(position, _PAGE):
        for stored in page:
            position = stored.global_position or position
            if last is not None and position > last:
                return
            yield stored


def plain(value: Any) -> Any:
    """Return a state as what JSON can hold, the same bytes for the same state."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in sorted(value.items())}
        case frozenset():
            return sorted(plain(item) for item in value)
        case tuple() | list():
            return [plain(item) for item in value]
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case _:
            return value
