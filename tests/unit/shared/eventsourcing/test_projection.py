"""What a page of the log tells a projection."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import pytest

from shared.contracts.consent import ConsentEvent, ConsentGiven
from shared.contracts.recording import RecordingEvent
from shared.contracts.registry import EVENTS
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection import Projection, Told
from tests.support.contracts import sample
from tests.support.events import new_event


async def _never(connection: asyncpg.Connection, told: Sequence[Told]) -> None:
    raise AssertionError("it is not to be applied")


CONSENTS = Projection("consents", 1, "", (ConsentEvent,), _never)


def page(*events: tuple[str, bytes]) -> list[StoredEvent]:
    """Events as the log holds them, from global position 11 on."""
    stored = []
    for position, (wire_type, payload) in enumerate(events, 11):
        event = new_event(payload, event_type=wire_type)
        stored.append(
            StoredEvent(
                "s", 1, position, event.id, event.type, event.payload, event.occurred_at, event.actor,
                event.causation_id, event.correlation_id,
            )
        )  # fmt: skip
    return stored


def stored(wire_type: str) -> tuple[str, bytes]:
    return wire_type, sample(wire_type)


def test_it_is_told_the_events_it_is_made_of_with_their_places_in_the_log() -> None:
    reading = CONSENTS.read(page(stored("room.created.v1"), stored("consent.given.v1"), stored("webhook.failed.v1")))

    assert [(type(event), one.global_position) for event, one in reading.told] == [(ConsentGiven, 12)]
    assert reading.position == 13
    assert reading.unreadable is None


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_each_type_is_told_to_those_it_concerns_alone(wire_type: str) -> None:
    told = [
        kind
        for kind in (ConsentEvent, RecordingEvent)
        if Projection("p", 1, "", (kind,), _never).read(page(stored(wire_type))).told
    ]
    assert told == [kind for kind in (ConsentEvent, RecordingEvent) if issubclass(EVENTS[wire_type], kind)]


def test_an_unknown_type_ends_the_page_right_before_though_it_may_be_anybodys() -> None:
    """Seen to fail with unknown types taken for other streams'."""
    reading = CONSENTS.read(page(stored("consent.given.v1"), ("poll.opened.v1", b"{}"), stored("consent.given.v1")))

    assert len(reading.told) == 1
    assert reading.position == 11
    assert reading.unreadable
    assert (reading.unreadable.position, reading.unreadable.event_type) == (12, "poll.opened.v1")


def test_a_malformed_event_ends_the_page_right_before() -> None:
    reading = CONSENTS.read(page(stored("room.created.v1"), ("consent.given.v1", b"{}")))

    assert (reading.told, reading.position) == ([], 11)
    assert reading.unreadable
    assert "global position 12, an event of type consent.given.v1" in str(reading.unreadable)


def test_when_the_first_event_cannot_be_read_there_is_no_position() -> None:
    assert CONSENTS.read(page(("poll.opened.v1", b"{}"))).position == 0


def test_an_event_of_other_streams_is_passed_over_unread() -> None:
    assert CONSENTS.read(page(("room.created.v1", b"not even JSON"))).position == 11
