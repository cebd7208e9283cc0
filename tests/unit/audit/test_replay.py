from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from services.audit import reading
from services.audit.bootstrap import DECIDERS
from services.audit.reading import Point, pages
from services.audit.replay import Replayed, Request, plain, replay
from services.audit.selection import Wanted
from services.consent.domain.consent import Consent
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.registry import EVENTS
from shared.contracts.room import ParticipantJoined, ParticipantLeft, RoomCreated, SessionStarted
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import MalformedEventError, UnknownEventTypeError
from tests.support.events import append, new_event, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at

ABOUT: dict[str, Any] = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
STORY: tuple[Event, ...] = (
    RoomCreated(at=at(1), room_id="r"),
    SessionStarted(at=at(2), room_id="r", session_id="s"),
    ParticipantJoined(at=at(3), **ABOUT, display_name="Ann", role="user"),
    ConsentGiven(at=at(4), **ABOUT),
    ParticipantLeft(at=at(7), **ABOUT, reason="quit"),
    ConsentWithdrawn(at=at(6), **ABOUT),
)


async def log_of(events: Iterable[Event] = STORY) -> InMemoryEventStore:
    store = InMemoryEventStore()
    for event in events:
        await append(store, event.stream, [encode(event, Context.begin("service:test"))])
    await sequence_all(store)
    return store


async def replayed(position: int | None = None, moment: datetime | None = None) -> Replayed:
    return await replay(await log_of(), DECIDERS, Request(Point(position, moment)))


def consent(result: Replayed) -> Consent | None:
    return result.states["consent"].get("consent-s:ann")


async def test_a_replay_to_the_head_gives_the_state_of_every_stream() -> None:
    result = await replayed()
    assert (result.position, result.events) == (6, 6)
    assert consent(result) == Consent("withdrawn", at(6), at(6), ended=at(6))
    assert result.states["room"]["room-r"].participants == {}
    assert result.states["recording"] == {}


async def test_a_replay_to_a_position_ends_with_that_event() -> None:
    result = await replayed(position=4)
    assert (result.position, result.events) == (4, 4)
    assert consent(result) == Consent("given", at(4), at(4))
    assert list(result.states["room"]["room-r"].participants) == ["ann"]
    assert consent(await replayed(position=3)) is None


@pytest.mark.parametrize("position", [0, 7, 1000])
async def test_a_position_before_the_first_or_after_the_last_is_no_error(position: int) -> None:
    assert (await replayed(position=position)).events == min(position, 6)


async def test_a_replay_to_a_moment_takes_what_took_effect_up_to_it_wherever_it_stands() -> None:
    result = await replayed(moment=at(6))
    assert result.events == 5
    assert consent(result) == Consent("withdrawn", at(6), at(6), ended=at(6))
    assert list(result.states["room"]["room-r"].participants) == ["ann"]


async def test_a_replay_gives_every_time_the_same_bytes() -> None:
    first, second = [json.dumps(plain((await replayed()).states)) for _ in range(2)]
    assert first == second


async def test_what_is_replayed_up_to_a_position_is_what_was_live_then() -> None:
    for position in range(len(STORY) + 1):
        live = await replay(await log_of(STORY[:position]), DECIDERS, Request())
        assert plain((await replayed(position=position)).states) == plain(live.states)


async def test_more_than_a_page_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail without `min(PAGE, …)`: the last page would go too far."""
    monkeypatch.setattr(reading, "PAGE", 2)
    assert (await replayed()).events == 6
    read = [page async for page in pages(await log_of(), 5)]
    assert [[stored.global_position for stored in page] for page in read] == [[1, 2], [3, 4], [5]]


async def test_progress_tells_how_far_reading_has_come_and_where_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 4)
    told: list[tuple[int, int]] = []
    await replay(await log_of(), DECIDERS, Request(), lambda *come: told.append(come))
    assert told == [(4, 6), (6, 6)]


async def test_what_has_no_place_in_the_log_yet_is_not_in_its_states() -> None:
    """A filtered replay reads streams, which hold such events as well. Seen to fail without `0 < _place(stored)`."""
    store = await log_of()
    late = ConsentGiven(at=at(9), **ABOUT)
    await append(store, late.stream, [encode(late, Context.begin("service:test"))])
    found = await replay(store, DECIDERS, Request(wanted=Wanted(participant="ann")))
    assert consent(found) == Consent("withdrawn", at(6), at(6), ended=at(6))


@pytest.mark.parametrize("event_type", ["consent.guessed.v1", "weather.changed.v1"])
async def test_an_event_that_this_version_does_not_know_is_an_error_and_not_passed_over(event_type: str) -> None:
    store = await log_of()
    await append(store, "weather-r", [new_event(event_type=event_type)])
    await sequence_all(store)
    with pytest.raises(UnknownEventTypeError, match=event_type):
        await replay(store, DECIDERS, Request())


async def test_an_event_that_cannot_be_read_is_an_error_and_not_passed_over() -> None:
    store = await log_of()
    await append(store, "consent-s:bob", [new_event(b"{}", event_type="consent.given.v1")])
    await sequence_all(store)
    with pytest.raises(MalformedEventError):
        await replay(store, DECIDERS, Request())


async def test_every_event_that_can_be_stored_has_a_decider() -> None:
    assert {event_type.partition(".")[0] for event_type in EVENTS} == DECIDERS.keys()


# --- since


async def test_since_leaves_the_streams_to_which_nothing_happened_and_folds_the_others_from_their_begin() -> None:
    found = await replay(await log_of(), DECIDERS, Request(since=Point(position=5)))
    assert list(found.states["consent"]) == ["consent-s:ann"]
    assert found.states["room"] == {}
    assert consent(found) == Consent("withdrawn", at(6), at(6), ended=at(6))
    assert found.before["consent"]["consent-s:ann"] == Consent("given", at(4), at(4))


async def test_since_a_moment_goes_by_when_things_took_effect() -> None:
    found = await replay(await log_of(), DECIDERS, Request(since=Point(moment=at(6))))
    assert list(found.states["room"]) == ["room-r"]
    assert found.states["consent"] == {}


async def test_the_states_before_are_what_a_replay_up_to_there_gives() -> None:
    for position in range(len(STORY) + 1):
        found = await replay(await log_of(), DECIDERS, Request(since=Point(position)))
        then = await replay(await log_of(), DECIDERS, Request(Point(position)))
        for category, states in found.before.items():
            for stream, state in states.items():
                assert state == then.states[category][stream]


# --- plain


@dataclass(frozen=True)
class State:
    since: datetime
    names: frozenset[str]
    by_name: MappingProxyType[str, Any]


def test_a_state_becomes_what_json_can_hold_in_an_order_of_its_own() -> None:
    state = State(at(), frozenset({"b", "a"}), MappingProxyType({"z": None, "y": (at(1),)}))
    assert json.dumps(plain(state)) == (
        '{"since": "2030-05-17T12:00:00Z", "names": ["a", "b"], "by_name": {"y": ["2030-05-17T12:00:01Z"], "z": null}}'
    )


def test_two_states_that_are_equal_become_the_same_bytes() -> None:
    one = {"b": frozenset("xyz"), "a": 1}
    other = {"a": 1, "b": frozenset("zyx")}
    assert json.dumps(plain(one)) == json.dumps(plain(other))
