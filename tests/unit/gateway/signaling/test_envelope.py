"""The envelope that clients are told in, the protocols they offer, and the shape of every message."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.signaling import events as told
from services.gateway.signaling.envelope import PROTOCOLS, enveloped, find_ticket, select_protocol
from tests.support.moments import at

NEW, OLD = PROTOCOLS


# --- messages


@pytest.mark.parametrize(
    ("message", "namespace", "payload"),
    [
        (told.Left(id="ann", reason="replaced"), "control", {"message": "left", "id": "ann", "reason": "replaced"}),
        (told.RoleUpdated(new_role="guest"), "control", {"message": "role_updated", "new_role": "guest"}),
        (told.RateLimitExceeded(), "control", {"message": "rate_limit_exceeded"}),
        (told.ControlError(error="internal"), "control", {"message": "error", "error": "internal"}),
        (told.Started(recording_id="rec"), "recording", {"message": "started", "recording_id": "rec"}),
        (told.Stopped(recording_id="rec"), "recording", {"message": "stopped", "recording_id": "rec"}),
        (
            told.Stopped(recording_id="rec", discarded=True),
            "recording",
            {"message": "stopped", "recording_id": "rec", "discarded": True},
        ),
        (told.RecordingError(error="internal"), "recording", {"message": "error", "error": "internal"}),
        (
            told.StreamUpdated(target_id="t", status="paused"),
            "recording",
            {"message": "stream_updated", "target_id": "t", "status": "paused"},
        ),
        (told.RecorderError(), "recording", {"message": "recorder_error", "error": "timeout"}),
        (told.Pong(), "echo", {"action": "ping"}),
    ],
)
def test_a_message_is_its_namespace_the_time_and_its_payload(
    message: told.ServerMessage, namespace: str, payload: dict[str, str]
) -> None:
    assert json.loads(enveloped(message, at(0.5))) == {
        "namespace": namespace,
        "timestamp": "2030-05-17T12:00:00.500000Z",
        "payload": payload,
    }


@given(st.timedeltas(timedelta(), timedelta(days=9000)).map(lambda since: at() + since))
def test_the_time_is_said_in_utc_as_rfc_3339_has_it(moment: datetime) -> None:
    said = json.loads(enveloped(told.Pong(), moment))["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", said)
    assert datetime.fromisoformat(said) == moment


@given(st.text())
def test_any_text_can_be_told(text: str) -> None:
    said = json.loads(enveloped(told.ControlError(error=text), at()))
    assert said["payload"]["error"] == text


def test_an_envelope_is_one_line_without_white_space() -> None:
    assert enveloped(told.Pong(), at()) == (
        '{"namespace":"echo","timestamp":"2030-05-17T12:00:00Z","payload":{"action":"ping"}}'
    )


@pytest.mark.parametrize(
    ("namespace", "kind"),
    [("recording", told.RecordingError), ("control", told.ControlError), ("echo", told.ControlError)],
)
def test_an_error_is_told_in_the_namespace_it_belongs_to(namespace: str, kind: type[told.ServerMessage]) -> None:
    error = told.error(namespace, "invalid_json")
    assert type(error) is kind
    assert error.model_dump() == {"message": "error", "error": "invalid_json"}


def test_no_namespace_is_told_in_but_those_that_clients_know() -> None:
    """The web client throws on any other."""
    assert {message.namespace for message in told.MESSAGES} == {"control", "recording", "echo"}


# --- sub-protocols and ticket


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([NEW, "ticket#t"], NEW),
        (["ticket#t", NEW], NEW),
        (["ticket#t", OLD], OLD),
        ([NEW, OLD, "ticket#t"], NEW),
        ([OLD, NEW, "ticket#t"], OLD),
        (["ticket#t"], None),
        (["opentalk-signaling-json-v2.0", "ticket#t"], None),
        ([], None),
    ],
)
def test_the_first_known_protocol_is_chosen_and_never_the_ticket(offered: list[str], chosen: str | None) -> None:
    assert select_protocol(offered) == chosen


@pytest.mark.parametrize(
    ("offered", "ticket"),
    [
        (["ticket#abc", NEW], "abc"),
        ([NEW, OLD, "ticket#abc"], "abc"),
        ([NEW, "ticket#room#abc#d"], "room#abc#d"),
        ([NEW, "ticket#ticket#abc"], "ticket#abc"),
        ([NEW, "ticket#"], ""),
        ([NEW, "Ticket#abc"], None),
        ([NEW], None),
    ],
)
def test_the_ticket_is_all_that_follows_the_first_sign(offered: list[str], ticket: str | None) -> None:
    assert find_ticket(offered) == ticket
