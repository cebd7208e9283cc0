"""The AsyncAPI documents are current, whole, and true of their own examples."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from services.gateway.signaling import commands, events
from services.gateway.signaling.asyncapi import ASKABLE
from services.gateway.signaling.envelope import parse
from shared.contracts.registry import COMMANDS, EVENTS
from shared.documents.asyncapi import DIRECTORY
from shared.documents.bus_examples import example
from shared.documents.schemas import json_text
from shared.messaging.message import asked_command, stored_event
from tests.unit.docs.documents import DOCUMENTS, complaints, found, references

MESSAGES = [(document, name) for document, content in DOCUMENTS.items() for name in content["components"]["messages"]]


def message(document: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENTS[document]["components"]["messages"][name]
    return found


def test_the_committed_documents_are_those_of_the_contracts() -> None:
    committed = {path.name: path.read_text() for path in DIRECTORY.glob("*")}
    assert committed == {f"{name}.json": json_text(content) for name, content in DOCUMENTS.items()}, "run make schemas"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_reference_leads_somewhere(document: str) -> None:
    content = DOCUMENTS[document]
    for reference in references(content):
        assert found(content, reference)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_component_is_used(document: str) -> None:
    content = DOCUMENTS[document]
    used = set(references(content))
    kinds = content["components"].items()
    assert {f"#/components/{kind}/{name}" for kind, named in kinds for name in named} <= used


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_schema_is_one(document: str) -> None:
    for schema in DOCUMENTS[document]["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_message_is_said_or_heard_in_some_operation(document: str) -> None:
    content = DOCUMENTS[document]
    carried = {
        found(content, reference)["$ref"] for reference in references(content["operations"]) if "messages" in reference
    }
    assert carried == {f"#/components/messages/{name}" for name in content["components"]["messages"]}


@pytest.mark.parametrize(("document", "name"), MESSAGES)
def test_a_message_has_a_summary_and_examples_that_keep_its_schemas(document: str, name: str) -> None:
    shown = message(document, name)
    assert shown["summary"]
    assert shown["examples"]
    for each in shown["examples"]:
        assert complaints(DOCUMENTS[document], shown["payload"], each["payload"]) == []
        assert complaints(DOCUMENTS[document], shown.get("headers", {}), each.get("headers", {})) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_two_messages_of_one_direction_have_the_same_name(document: str) -> None:
    content = DOCUMENTS[document]
    for action in ("send", "receive"):
        doing = [each for each in content["operations"].values() if each["action"] == action]
        carried = {found(content, each["$ref"])["$ref"] for operation in doing for each in operation["messages"]}
        names = [found(content, reference)["name"] for reference in carried]
        assert len(names) == len(set(names))


# ------------------------------------------------------------------------------------------------------- signaling


def test_every_message_of_the_signaling_protocol_is_in_its_document() -> None:
    told = {each.__name__ for each in events.MESSAGES}
    asked = {each.__name__ for classes in ASKABLE.values() for each in classes}
    assert DOCUMENTS["signaling"]["components"]["messages"].keys() == told | asked
    assert ASKABLE.keys() == commands.COMMANDS.keys()


def test_the_gateway_understands_every_example_of_a_command() -> None:
    for classes in ASKABLE.values():
        for command in classes:
            for shown in message("signaling", command.__name__)["examples"]:
                assert isinstance(parse(json_text(shown["payload"]), joined=True), command)


@pytest.mark.parametrize(("namespace", "error"), [("control", "ControlError"), ("recording", "RecordingError")])
def test_an_error_has_every_code_with_its_meaning(namespace: str, error: str) -> None:
    code = DOCUMENTS["signaling"]["components"]["schemas"][error]["properties"]["error"]
    assert {each["const"]: each["description"] for each in code["oneOf"]} == events.ERRORS[namespace]


@pytest.mark.parametrize(
    ("message_name", "payload"),
    [
        ("Stop", {"action": "stop"}),
        ("Stop", {"action": "stop", "recording_id": None}),
        ("Stop", {"action": "stop", "recording_id": 7}),
        ("SetConsent", {"action": "set_consent"}),
        ("SetConsent", {"action": "set_consent", "consent": "yes"}),
        ("StartStream", {"action": "start_stream"}),
        ("StopStream", {"action": "stop_stream", "target_ids": [7]}),
        ("Join", {"action": "join", "display_name": " "}),
        ("Join", {"action": "start"}),
        ("Started", {"message": "started"}),
        ("ControlError", {"message": "error", "error": "no_such_code"}),
        ("JoinSuccess", {"message": "join_success"}),
    ],
)
def test_a_schema_refuses_what_clients_must_not_send_and_are_never_told(message_name: str, payload: object) -> None:
    document = DOCUMENTS["signaling"]
    assert complaints(document, document["components"]["schemas"][message_name], payload)


def test_a_field_that_is_left_out_is_never_null() -> None:
    schema = DOCUMENTS["signaling"]["components"]["schemas"]["RecordingState"]
    idle = {"targets": {}, "withdrawal_policy": "keep", "consent_policy": "clear", "consents_recording": False}
    assert complaints(DOCUMENTS["signaling"], schema, idle) == []
    assert complaints(DOCUMENTS["signaling"], schema, {**idle, "recording_id": None})


# ------------------------------------------------------------------------------------------------------------- bus


def test_every_event_and_command_of_the_registry_is_in_the_document_of_the_bus() -> None:
    assert DOCUMENTS["bus"]["components"]["messages"].keys() >= {*EVENTS, *COMMANDS}


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_example_of_an_event_can_be_read(wire_type: str) -> None:
    assert stored_event(example(wire_type)).type == wire_type


@pytest.mark.parametrize("wire_type", sorted(COMMANDS))
def test_an_example_of_a_command_can_be_read(wire_type: str) -> None:
    command, _ = asked_command(example(wire_type))
    assert command.type == wire_type


def test_fields_are_described_by_their_comments() -> None:
    schemas = DOCUMENTS["bus"]["components"]["schemas"]
    assert schemas["ConsentGiven"]["properties"]["at"]["description"].startswith("When it took effect")
    assert schemas["RecordedFile"]["properties"]["sha256"]["description"] == "Hex digest of the whole file."
