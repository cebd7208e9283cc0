from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.entrypoints import signaling_protocol as protocol
from services.gateway.entrypoints.signaling_protocol import Join, Ping, ProtocolError, SetConsent, Start, Stop

NEW, OLD = protocol.PROTOCOLS


def command(namespace: object, payload: object) -> str:
    return json.dumps({"namespace": namespace, "payload": payload})


def refused(text: str | bytes) -> str:
    with pytest.raises(ProtocolError) as refusal:
        protocol.parse(text)
    return refusal.value.code


# --- what clients send


@pytest.mark.parametrize(
    ("namespace", "payload", "action"),
    [
        ("control", {"action": "join", "display_name": "Ann"}, Join(action="join", display_name="Ann")),
        ("control", {"action": "join"}, Join(action="join", display_name="")),
        ("recording", {"action": "start"}, Start(action="start")),
        ("recording", {"action": "stop", "recording_id": "x"}, Stop(action="stop", recording_id="x")),
        ("recording", {"action": "set_consent", "consent": True}, SetConsent(action="set_consent", consent=True)),
        ("recording", {"action": "set_consent", "consent": False}, SetConsent(action="set_consent", consent=False)),
        ("echo", {"action": "ping"}, Ping(action="ping")),
    ],
)
def test_every_command_is_understood(namespace: str, payload: dict[str, Any], action: object) -> None:
    assert protocol.parse(command(namespace, payload)) == action


def test_keys_that_are_not_known_are_ignored() -> None:
    text = '{"namespace":"echo","payload":{"action":"ping","more":1},"transaction_id":7}'
    assert protocol.parse(text) == Ping(action="ping")


def test_a_binary_frame_is_understood_like_a_text() -> None:
    assert protocol.parse(command("recording", {"action": "start"}).encode()) == Start(action="start")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "start",
        "{",
        b"\xff\xfe\x00",
        "null",
        "7",
        '"control"',
        "[]",
        '["namespace", "payload"]',
        "{}",
        '{"namespace": "control"}',
        '{"payload": {"action": "start"}}',
        "[" * 100_000,
        '{"namespace": "echo", "payload": ' + '{"a":' * 50_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_envelope_is_no_json_to_us(text: str | bytes) -> None:
    assert refused(text) == "invalid_json"


@pytest.mark.parametrize("namespace", ["", "chat", "Control", 7, None, ["control"], {}])
def test_a_namespace_that_is_not_known_is_refused(namespace: object) -> None:
    assert refused(command(namespace, {"action": "start"})) == "invalid_namespace"


@pytest.mark.parametrize(
    ("namespace", "payload"),
    [
        ("control", {"action": "raise_hand"}),
        ("control", {"action": "join", "display_name": 7}),
        ("control", {"action": "join", "display_name": "\ud800"}),
        ("recording", {"action": "pause"}),
        ("recording", {"action": "join"}),
        ("recording", {}),
        ("recording", {"action": ["start"]}),
        ("recording", {"action": "stop"}),
        ("recording", {"action": "stop", "recording_id": None}),
        ("recording", {"action": "stop", "recording_id": "\ud800"}),
        ("recording", {"action": "set_consent"}),
        ("recording", "start"),
        ("recording", None),
        ("echo", {"action": "pong"}),
    ],
)
def test_a_payload_that_has_no_meaning_is_refused(namespace: str, payload: object) -> None:
    assert refused(command(namespace, payload)) == "invalid_json"


@pytest.mark.parametrize("consent", ["true", "yes", "on", 1, 1.0, None, [True]])
def test_nothing_but_true_is_a_yes(consent: object) -> None:
    assert refused(command("recording", {"action": "set_consent", "consent": consent})) == "invalid_json"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_payloads = st.one_of(
    _json,
    st.fixed_dictionaries(
        {"action": st.sampled_from(["join", "start", "stop", "set_consent", "ping"]) | _json},
        optional={"display_name": _json, "recording_id": _json, "consent": _json},
    ),
)
_envelopes = st.fixed_dictionaries(
    {"namespace": st.sampled_from(["control", "recording", "echo"]) | _json, "payload": _payloads}
)


def is_understood_or_refused(text: str | bytes) -> bool:
    """Whatever else `parse` may raise comes through and fails the test."""
    try:
        return isinstance(protocol.parse(text), Join | Start | Stop | SetConsent | Ping)
    except ProtocolError as error:
        return error.code in {"invalid_json", "invalid_namespace"}


@settings(max_examples=150)
@given(st.text(st.characters()) | st.binary())
def test_any_text_or_bytes_are_understood_or_refused(text: str | bytes) -> None:
    assert is_understood_or_refused(text)


@settings(max_examples=300)
@given(_json | _envelopes)
def test_any_json_is_understood_or_refused(value: object) -> None:
    assert is_understood_or_refused(json.dumps(value))


# --- names


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Ann", "Ann"),
        ("  Ann \t\n Lee ", "Ann Lee"),
        ("Åsa\u00a0Öst", "Åsa Öst"),
        ("x" * 100, "x" * 100),
        (" " * 500 + "x", "x"),
    ],
)
def test_a_name_is_taken_with_its_white_space_collapsed(asked: str, name: str) -> None:
    assert protocol.display_name(asked) == name


@pytest.mark.parametrize("asked", ["", "   ", "x" * 101])
def test_no_name_and_a_very_long_one_are_refused(asked: str) -> None:
    with pytest.raises(ProtocolError, match="invalid_username"):
        protocol.display_name(asked)


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
    assert protocol.select_protocol(offered) == chosen


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
    assert protocol.find_ticket(offered) == ticket
