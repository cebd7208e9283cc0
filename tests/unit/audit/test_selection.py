"""Which streams a filter of the replay chooses."""

from __future__ import annotations

import json

import pytest

from services.audit.bootstrap import DECIDERS
from services.audit.reading import Point
from services.audit.replay import Replayed, Request, replay
from services.audit.selection import Wanted
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.errors import MalformedEventError, UnknownEventTypeError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from tests.support.events import append, new_event, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.unit.audit.story import STORY, given, log_of, withdrawn


async def found(wanted: Wanted, until: Point | None = None, log: EventStore | None = None) -> Replayed:
    return await replay(log or await log_of(), DECIDERS, Request(until or Point(), wanted=wanted))


def names(replayed: Replayed) -> list[str]:
    """The streams; webhooks are told by their number, as their names are drawn by lot."""
    streams = {category: sorted(states) for category, states in replayed.states.items()}
    return [*(f"{len(streams.pop('webhook'))} webhooks",), *sorted(name for each in streams.values() for name in each)]


ANN, BOB = "participant-recording-s:ann", "participant-recording-s:bob"


@pytest.mark.parametrize(
    ("wanted", "streams"),
    [
        (Wanted(room="elsewhere"), ["0 webhooks"]),
        (Wanted(session="earlier"), ["0 webhooks", "room-r"]),
        (Wanted(participant="bob"), ["1 webhooks", "consent-s:bob", BOB, "room-r"]),
        (Wanted(participant="mona"), ["0 webhooks", "recording-s", "room-r"]),
        (Wanted(participant="ann", session="earlier"), ["0 webhooks", "room-r"]),
        (Wanted(participant="bob", session="earlier"), ["0 webhooks"]),
        (Wanted(recording="rec"), ["3 webhooks", ANN, BOB, "recording-s"]),
        (Wanted(recording="again"), ["2 webhooks", ANN, "recording-s"]),
        (Wanted(recording="rec", participant="bob"), ["1 webhooks", BOB]),
        (Wanted(recording="ann-again"), ["1 webhooks", ANN]),
        (Wanted(recording="ann-again", session="earlier"), ["0 webhooks"]),
    ],
    ids=str,
)
async def test_a_stream_is_chosen_if_one_of_its_events_names_what_is_wanted(wanted: Wanted, streams: list[str]) -> None:
    assert names(await found(wanted)) == streams


async def test_a_room_has_all_its_streams_and_every_webhook() -> None:
    log = await log_of()
    everything = await replay(log, DECIDERS, Request())
    assert (await found(Wanted(room="r"), log=log)).states == everything.states
    assert everything.events == len(STORY) + 5


@pytest.mark.parametrize("wanted", [Wanted(session="s"), Wanted(participant="ann"), Wanted(recording="again")], ids=str)
@pytest.mark.parametrize("until", [Point(), Point(position=20), Point(moment=at(45))], ids=["head", "20", "45 s"])
async def test_a_chosen_stream_has_the_state_that_all_its_events_make(wanted: Wanted, until: Point) -> None:
    """Also of those before the first that names what is wanted: the room was created before the session began."""
    everything = await replay(await log_of(), DECIDERS, Request(until))
    for category, states in (await found(wanted, until)).states.items():
        for stream, state in states.items():
            if category != "webhook":
                assert state == everything.states[category][stream]


async def test_what_names_it_only_later_does_not_choose_a_stream_yet() -> None:
    assert names(await found(Wanted(session="s"), Point(position=5))) == ["0 webhooks"]
    assert names(await found(Wanted(session="s"), Point(moment=at(2)))) == ["0 webhooks", "room-r"]


async def test_a_recording_that_was_not_asked_for_yet_chooses_nothing() -> None:
    """Even if its streams were there already. Seen to fail without `request.until.covered` before the look."""
    assert names(await found(Wanted(recording="again"), Point(moment=at(61)))) == ["0 webhooks"]


async def test_what_comes_into_the_log_while_it_is_read_is_not_in_the_states() -> None:
    """Seen to fail without `<= last` in `streams`."""
    log = _GrowingLog()
    replayed = await found(Wanted(participant="bob"), log=await log_of(store=log))
    assert replayed.position == len(STORY) + 5
    assert replayed.states["consent"]["consent-s:bob"].answer == "given"


class _GrowingLog(InMemoryEventStore):
    """Somebody withdraws whenever a stream is read after the log was."""

    was_read = False

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        self.was_read = True
        return await super().read_all(after, limit)

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        if self.was_read and stream == "consent-s:bob":
            self.was_read = False
            await append(self, stream, [encode(withdrawn(99, "bob"), Context.begin("participant:bob"))])
            await sequence_all(self)
        return await super().read(stream, after)


async def test_a_recording_that_is_named_in_another_spelling_of_json_is_found() -> None:
    """Seen to fail without the look for a backslash in `mentions`."""
    log = await log_of()
    spelt = given(95, "dan").encode().replace(b'"dan"', rb'"d\u0061n"')
    assert decode_name(spelt) == "dan"
    await append(log, "consent-s:dan", [new_event(spelt, event_type="consent.given.v1")])
    await sequence_all(log)
    assert names(await found(Wanted(participant="dan"), log=log)) == ["0 webhooks", "consent-s:dan"]


def decode_name(payload: bytes) -> str:
    return str(json.loads(payload)["participant_id"])


async def test_what_may_concern_it_and_cannot_be_read_is_an_error_and_not_passed_over() -> None:
    for broken, error in ((b'{"room_id": "ann"', MalformedEventError), (b'{"a": "ann"}', UnknownEventTypeError)):
        log = await log_of()
        event_type = "consent.given.v1" if error is MalformedEventError else "consent.guessed.v1"
        await append(log, "consent-s:x", [new_event(broken, event_type=event_type)])
        await sequence_all(log)
        with pytest.raises(error):
            await found(Wanted(participant="ann"), log=log)


async def test_an_empty_log_has_nothing_of_anybody() -> None:
    assert names(await found(Wanted(room="r"), log=InMemoryEventStore())) == ["0 webhooks"]
