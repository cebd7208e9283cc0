"""What must hold after every fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from tests.faults.load import Load
from tests.support.eventually import eventually


async def every_effect_once_and_in_order(load: Load, *, durable: bool = True) -> None:
    """Hold the log and those who listened against what was asked and acknowledged.

    `durable` is False where the durable queue was lost: then only the follower has all of it.
    """
    log = await whole_log(load.store)
    assert [event.global_position for event in log] == list(range(1, len(log) + 1))
    assert len({event.id for event in log}) == len(log), "an event has two global positions"
    streams = by_stream(log)
    for stream, events in streams.items():
        assert [event.position for event in events] == list(range(1, len(events) + 1)), f"{stream} is out of order"
        assert [event.id for event in await load.store.read(stream)] == [event.id for event in events]
    _holds_what_was_appended(load, streams)
    _holds_what_was_asked(load, streams)
    assert len(log) == load.appended + load.answered, "the log holds what nobody asked for"
    assert _places(load.following.applied) == _places(log)
    if durable:
        await eventually(lambda: not _unheard(load, log), within=60)
        _heard_in_order(load)


async def whole_log(store: EventStore) -> list[StoredEvent]:
    log: list[StoredEvent] = []
    while page := await store.read_all(len(log)):
        log += page
    return log


def by_stream(events: Iterable[StoredEvent]) -> dict[str, list[StoredEvent]]:
    streams: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in events:
        streams[event.stream].append(event)
    return streams


def _holds_what_was_appended(load: Load, streams: dict[str, list[StoredEvent]]) -> None:
    positions = {event.id: event.position for events in streams.values() for event in events}
    for appender in load.appenders:
        for stream, ids in appender.acknowledged:
            places = [positions.get(event_id) for event_id in ids]
            assert places[0] is not None, f"{stream} has lost what was acknowledged"
            assert places == list(range(places[0], places[0] + len(ids))), f"{stream} has torn a batch apart: {places}"


def _holds_what_was_asked(load: Load, streams: dict[str, list[StoredEvent]]) -> None:
    for asker in load.askers:
        effects: list[UUID] = [event.causation_id for event in streams[asker.stream]]
        assert effects == asker.answered, f"{asker.stream} has {len(effects)} effects of {len(asker.answered)} commands"


def _unheard(load: Load, log: list[StoredEvent]) -> set[int | None]:
    """Return what has not come by the durable queue. It may be consumed anew only a moment after the live one."""
    return {event.global_position for event in log} - load.subscriber.heard.keys()


def _heard_in_order(load: Load) -> None:
    for stream, events in by_stream(load.subscriber.heard.values()).items():
        came = [event.position for event in events]
        assert came == sorted(came), f"{stream} came out of order"


def _places(events: Iterable[StoredEvent]) -> list[tuple[int | None, str, int, UUID, bytes]]:
    return [(event.global_position, event.stream, event.position, event.id, event.payload) for event in events]
