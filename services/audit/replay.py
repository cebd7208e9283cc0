"""Replay: the states of streams from the log alone, up to any position or time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.audit.reading import Point, Progress, pages, silent, streams
from services.audit.selection import Selection, Wanted
from shared.eventsourcing.codec import decode
from shared.eventsourcing.decider import Decider
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore

#: The deciders by the first word of their events' wire types, which is also how their streams' names begin.
Deciders = Mapping[str, Decider[Any, Any, Any]]
#: By category (`room`, `consent`, …), then by stream.
States = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be replayed: the states at `until`, of all streams or of some."""

    until: Point = field(default_factory=Point)
    #: Only streams to which something happened after it; their states at that point are given as well.
    since: Point | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay gives."""

    #: Global position up to which the log was read.
    position: int
    #: How many events were folded.
    events: int
    states: States
    #: The states at `since`; a stream that had not begun is not in them.
    before: States


async def replay(store: EventStore, deciders: Deciders, request: Request, progress: Progress = silent) -> Replayed:
    """Fold the log into states. Raises what `decode` raises: an audit must not skip anything."""
    head = await store.head()
    last = head if request.until.position is None else min(head, request.until.position)
    after, before, touched = _Fold(deciders), _Fold(deciders), set[str]()
    async for page in _concerned(store, request, last, progress):
        events = request.until.covered(page)
        after.take(events)
        if request.since:
            earlier = request.since.covers
            before.take([stored for stored in events if earlier(stored)])
            touched.update(stored.stream for stored in events if not earlier(stored))
    if request.since:
        return Replayed(last, after.events, _only(after.states, touched), _only(before.states, touched))
    return Replayed(last, after.events, after.states, before.states)


async def _concerned(
    store: EventStore, request: Request, last: int, progress: Progress
) -> AsyncIterator[list[StoredEvent]]:
    """Yield the events of the wanted streams. A stream may turn out late to be one: then it is read from its start."""
    log = pages(store, last, progress)
    if not request.wanted.given:
        async for page in log:
            yield page
        return
    selection = Selection(request.wanted)
    async for page in log:
        selection.look(request.until.covered(page))
    async for page in streams(store, selection.streams, last):
        yield page


class _Rules(dict[str, tuple[Callable[[Any, Any], Any], Any, dict[str, Any]]]):
    """By wire type: how a state evolves, how it begins, and the states of that category."""

    def __init__(self, deciders: Deciders) -> None:
        self.states: dict[str, dict[str, Any]] = {category: {} for category in deciders}
        self._deciders = deciders

    def __missing__(self, event_type: str) -> tuple[Callable[[Any, Any], Any], Any, dict[str, Any]]:
        category = event_type.partition(".")[0]
        decider = self._deciders[category]
        self[event_type] = decider.evolve, decider.initial, self.states[category]
        return self[event_type]


class _Fold:
    """States that grow with each event."""

    def __init__(self, deciders: Deciders) -> None:
        self._rules = _Rules(deciders)
        self.states = self._rules.states
        self.events = 0

    def take(self, events: list[StoredEvent]) -> None:
        """Fold these events. Here an audit spends its time: one look-up by type, one by stream, and nothing else."""
        rules = self._rules
        for stored in events:
            event = decode(stored)
            evolve, initial, states = rules[stored.type]
            states[stored.stream] = evolve(states.get(stored.stream, initial), event)
        self.events += len(events)


def _only(states: States, names: set[str]) -> States:
    return {
        category: {name: state for name, state in each.items() if name in names} for category, each in states.items()
    }


def plain(value: Any) -> Any:  # noqa: PLR0911  one case for each kind
    """Return a state as what JSON can hold, the same bytes for the same state."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in sorted(value.items())}
        case frozenset():
            return sorted(plain(item) for item in value)
        case tuple() | list():
            return [plain(item) for item in value]
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case UUID():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case _:
            return value
