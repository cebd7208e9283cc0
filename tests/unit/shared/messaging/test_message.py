from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.message import Command
from shared.contracts.registry import COMMANDS, EVENTS
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import RtpPorts, RtpSourceOpened
from shared.documents.bus_examples import example
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import StoredEvent
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import (
    ACCEPTED,
    Message,
    asked_command,
    command_message,
    contract_message,
    event_message,
    read_reply,
    refusal,
    stored_event,
)
from tests.support.contracts import sample

CONTEXT = Context("participant:åsa", UUID(int=1), UUID(int=2))
ASKED = [asked_command(example(wire_type))[0] for wire_type in sorted(COMMANDS)]


def stored(wire_type: str = "consent.given.v1") -> StoredEvent:
    event = EVENTS[wire_type].model_validate_json(sample(wire_type))
    return StoredEvent(stream=event.stream, position=3, global_position=7, **asdict(encode(event, CONTEXT)))


# --- events


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_event_arrives_as_it_was_stored(wire_type: str) -> None:
    event = stored(wire_type)
    assert stored_event(event_message(event)) == event


def test_the_routing_key_is_the_wire_type_and_the_bytes_are_untouched() -> None:
    event = stored()._replace(payload=b' {"not": "parsed"} ')
    message = event_message(event)
    assert (message.type, message.payload, message.id) == (event.type, event.payload, event.id)


@pytest.mark.parametrize("name", list(event_message(stored()).headers))
def test_an_event_that_lacks_a_header_is_refused_by_its_name(name: str) -> None:
    message = event_message(stored())
    headers = {key: value for key, value in message.headers.items() if key != name}
    with pytest.raises(MalformedMessageError, match=name):
        stored_event(replace(message, headers=headers))


@pytest.mark.parametrize("name", ["position", "global-position", "occurred-at", "causation-id", "correlation-id"])
def test_an_event_with_a_bad_header_is_refused(name: str) -> None:
    message = event_message(stored())
    with pytest.raises(MalformedMessageError, match=r"consent\.given\.v1"):
        stored_event(replace(message, headers={**message.headers, name: "soon"}))


# --- commands


@pytest.mark.parametrize("command", ASKED, ids=lambda command: command.type)
def test_a_command_arrives_as_it_was_sent_with_who_asked(command: Command) -> None:
    message = command_message(command, CONTEXT, within=5)
    assert asked_command(message) == (command, CONTEXT)


def test_an_unknown_command_is_refused_by_name() -> None:
    with pytest.raises(MalformedMessageError, match=r"recording\.pause\.v1"):
        asked_command(Message("recording.pause.v1", b"{}"))


@pytest.mark.parametrize("headers", [{}, {"actor": "a"}, {"correlation-id": str(UUID(int=1))}])
def test_a_command_of_nobody_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(MalformedMessageError):
        asked_command(replace(command_message(ASKED[0], CONTEXT, within=5), headers=headers))


@given(st.binary(max_size=30))
def test_whatever_bytes_a_command_has_it_is_refused_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        asked_command(replace(command_message(ASKED[0], CONTEXT, within=5), payload=payload))


# --- replies


def test_acceptance_arrives() -> None:
    assert read_reply(ACCEPTED, Accepted) == Accepted()


def test_a_refusal_arrives_whatever_was_hoped_for() -> None:
    message = refusal("already_recording", "stop it first")
    for hoped_for in (Accepted, RtpSourceOpened):
        assert read_reply(message, hoped_for) == Refused(code="already_recording", message="stop it first")


def test_an_answer_arrives_as_it_was_given() -> None:
    opened = RtpSourceOpened(host="127.0.0.1", audio=RtpPorts(rtp_port=40000, rtcp_port=40001))
    assert read_reply(contract_message(opened, "reply.rtp-source-opened.v1"), RtpSourceOpened) == opened


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"host":7}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessageError, match=r"opened\.v1"):
        read_reply(Message("reply.rtp-source-opened.v1", payload), RtpSourceOpened)


def test_a_command_has_the_id_of_what_led_to_it_each_time_that_it_is_asked() -> None:
    assert {command_message(ASKED[0], CONTEXT, within=5).id for _ in range(2)} == {CONTEXT.causation_id}
