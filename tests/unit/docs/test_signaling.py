"""What people who write a client are told is what the gateway says and hears."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.gateway.adapters.tickets import LENGTH
from services.gateway.signaling import events, outbox, rate_limit
from services.gateway.signaling.asyncapi import ASKABLE, CLOSE_CODES
from services.gateway.signaling.envelope import PROTOCOLS, parse
from tests.unit.docs.documents import DOCUMENTS, complaints
from tests.unit.docs.test_operations import ROOT

PAGE = (ROOT / "docs" / "signaling.md").read_text()
DOCUMENT = DOCUMENTS["signaling"]
TOLD = {
    (message.namespace, message.model_fields["message"].default): message
    for message in events.MESSAGES
    if "message" in message.model_fields
} | {("echo", "ping"): events.Pong}


def shown() -> Iterator[dict[str, Any]]:
    """Every message in the page's JSON blocks."""
    for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        rest = block.strip()
        while rest:
            message, end = json.JSONDecoder().raw_decode(rest)
            yield message
            rest = rest[end:].lstrip()


SHOWN = list(shown())
SHOWN_TOLD = [message for message in SHOWN if "timestamp" in message]
SHOWN_ASKED = [message for message in SHOWN if "timestamp" not in message]


def class_told(message: dict[str, Any]) -> type[events.ServerMessage]:
    payload = message["payload"]
    return TOLD[message["namespace"], payload.get("message") or payload["action"]]


def envelope(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = DOCUMENT["components"]["messages"][name]["payload"]
    return schema


def rows(heading: str) -> list[str]:
    """The first column of the table below a heading."""
    _, _, section = PAGE.partition(f"\n{heading}\n")
    table = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    return [first.strip(" `") for first in re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)][1:]


@pytest.mark.parametrize("message", SHOWN_TOLD, ids=lambda message: class_told(message).__name__)
def test_a_message_is_shown_as_clients_are_told_it(message: dict[str, Any]) -> None:
    told = class_told(message)
    assert complaints(DOCUMENT, envelope(told.__name__), message) == []
    assert json.loads(told.model_validate(message["payload"]).model_dump_json()) == message["payload"]


@pytest.mark.parametrize("message", SHOWN_ASKED, ids=lambda message: message["payload"]["action"])
def test_a_command_is_shown_as_the_gateway_takes_it(message: dict[str, Any]) -> None:
    command = parse(json.dumps(message), joined=True)
    assert complaints(DOCUMENT, envelope(type(command).__name__), message) == []
    assert message["payload"].keys() <= type(command).model_fields.keys()


def test_every_message_is_shown() -> None:
    assert {class_told(message) for message in SHOWN_TOLD} == set(events.MESSAGES)


def test_every_command_is_shown() -> None:
    asked = {type(parse(json.dumps(message), joined=True)) for message in SHOWN_ASKED}
    assert asked == {command for classes in ASKABLE.values() for command in classes}


@pytest.mark.parametrize("namespace", events.ERRORS)
def test_every_error_is_listed_once_with_what_to_do(namespace: str) -> None:
    assert sorted(rows(f"### Errors in `{namespace}`")) == sorted(events.ERRORS[namespace])


def test_every_close_code_is_listed() -> None:
    assert rows("### How it ends") == [str(code) for code in CLOSE_CODES]


def test_every_heading_of_a_message_names_one() -> None:
    headings = re.findall(r"^### (`.*`)$", PAGE, re.MULTILINE)
    named = {name for heading in headings for name in re.findall(r"`(\w+)`", heading)}
    actions = {message["payload"].get("action") for message in SHOWN_ASKED}
    assert named - {"ping"} == (actions | {message for _, message in TOLD}) - {"ping", "error"}


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (
        f"codes of {LENGTH} letters",
        f"{rate_limit.BURST} messages at once and {rate_limit.PER_SECOND:.0f} a second",
        f"after {rate_limit.TOLERATED} dropped",
        f"{outbox._LIMIT} messages waited",
        *PROTOCOLS,
    ):
        assert limit in PAGE
