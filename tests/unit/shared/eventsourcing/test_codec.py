from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import pytest

from shared.contracts.registry import EVENTS
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.errors import MalformedEventError, UnknownEventTypeError
from shared.eventsourcing.event import StoredEvent
from tests.support.contracts import sample

CONTEXT = Context("participant:ann", UUID(int=1), UUID(int=2))


def stored(wire_type: str) -> StoredEvent:
    event = EVENTS[wire_type].model_validate_json(sample(wire_type))
    return StoredEvent(stream=event.stream, position=3, global_position=7, **asdict(encode(event, CONTEXT)))


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_every_event_is_decoded_as_it_was_encoded(wire_type: str) -> None:
    assert decode(stored(wire_type)) == EVENTS[wire_type].model_validate_json(sample(wire_type))


def test_what_is_appended_bears_the_events_bytes_its_moment_and_who_said_it() -> None:
    event = EVENTS["consent.given.v1"].model_validate_json(sample("consent.given.v1"))
    new = encode(event, CONTEXT)
    assert (new.type, new.payload, new.occurred_at) == ("consent.given.v1", sample("consent.given.v1"), event.at)
    assert (new.actor, new.causation_id, new.correlation_id) == ("participant:ann", UUID(int=1), UUID(int=2))


def test_every_event_gets_an_id_of_its_own() -> None:
    event = EVENTS["consent.given.v1"].model_validate_json(sample("consent.given.v1"))
    assert encode(event, CONTEXT).id != encode(event, CONTEXT).id


def test_what_nothing_led_to_is_its_own_cause() -> None:
    context = Context.begin("service:test")
    assert context.causation_id == context.correlation_id
    assert context != Context.begin("service:test")


def test_a_type_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(UnknownEventTypeError, match=r"consent\.given\.v2"):
        decode(stored("consent.given.v1")._replace(type="consent.given.v2"))


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"null", b"[]", b"{}", b"\xff", b'{"at":"yesterday"}', b"[" * 100_000], ids=lambda p: p[:8]
)
def test_bytes_that_are_not_what_their_type_promises_are_refused_with_their_place(payload: bytes) -> None:
    with pytest.raises(MalformedEventError, match="event 3 of stream consent-") as refusal:
        decode(stored("consent.given.v1")._replace(payload=payload))
    assert refusal.value.position == 3


def test_the_refusal_names_the_field() -> None:
    payload = sample("consent.given.v1").replace(b'"room_id":"', b'"room_id":"../')
    with pytest.raises(MalformedEventError, match="room_id"):
        decode(stored("consent.given.v1")._replace(payload=payload))
