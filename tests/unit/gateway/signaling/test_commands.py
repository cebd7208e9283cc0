"""What clients send: which words have a meaning, and what those that have none are answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.signaling.commands import (
    Command,
    EnterRoom,
    GrantModeratorRole,
    Join,
    LowerHand,
    PauseStream,
    Ping,
    RaiseHand,
    RevokeModeratorRole,
    SetConsent,
    Start,
    StartStream,
    Stop,
    StopStream,
)
from services.gateway.signaling.envelope import ProtocolError, display_name, parse
from services.gateway.signaling.events import ERRORS

STREAM_COMMANDS = [("start_stream", StartStream), ("pause_stream", PauseStream), ("stop_stream", StopStream)]


def said(namespace: object, payload: object) -> str:
    return json.dumps({"namespace": namespace, "payload": payload})


def understood(namespace: str, **payload: object) -> Command:
    return parse(said(namespace, payload), joined=True)


def refused(text: str | bytes, *, joined: bool = True) -> tuple[str, str]:
    """In which namespace, and with which code."""
    with pytest.raises(ProtocolError) as refusal:
        parse(text, joined=joined)
    return refusal.value.namespace, refusal.value.code


# --- every command


@pytest.mark.parametrize(
    ("namespace", "payload", "command"),
    [
        ("control", {"action": "join", "display_name": "Ann"}, Join(action="join", display_name="Ann")),
        ("control", {"action": "join"}, Join(action="join", display_name="Unnamed")),
        ("control", {"action": "join", "display_name": None}, Join(action="join", display_name="Unnamed")),
        ("control", {"action": "enter_room"}, EnterRoom(action="enter_room")),
        ("control", {"action": "raise_hand"}, RaiseHand(action="raise_hand")),
        ("control", {"action": "lower_hand"}, LowerHand(action="lower_hand")),
        (
            "control",
            {"action": "grant_moderator_role", "target": "bob"},
            GrantModeratorRole(action="grant_moderator_role", target="bob"),
        ),
        (
            "control",
            {"action": "revoke_moderator_role", "target": "bob"},
            RevokeModeratorRole(action="revoke_moderator_role", target="bob"),
        ),
        ("recording", {"action": "start"}, Start(action="start")),
        ("recording", {"action": "stop", "recording_id": "x"}, Stop(action="stop", recording_id="x")),
        (
            "recording",
            {"action": "stop", "recording_id": "x", "discard": True},
            Stop(action="stop", recording_id="x", discard=True),
        ),
        (
            "recording",
            {"action": "stop_stream", "target_ids": ["a"], "discard": True},
            StopStream(action="stop_stream", target_ids=["a"], discard=True),
        ),
        ("recording", {"action": "set_consent", "consent": True}, SetConsent(action="set_consent", consent=True)),
        ("recording", {"action": "set_consent", "consent": False}, SetConsent(action="set_consent", consent=False)),
        (
            "recording",
            {"action": "set_consent", "consent": True, "text_version": "v1"},
            SetConsent(action="set_consent", consent=True, text_version="v1"),
        ),
        (
            "recording",
            {"action": "set_consent", "consent": True, "text_version": None},
            SetConsent(action="set_consent", consent=True),
        ),
        ("echo", {"action": "ping"}, Ping(action="ping")),
    ],
)
def test_every_command_is_understood(namespace: str, payload: dict[str, Any], command: Command) -> None:
    assert parse(said(namespace, payload), joined=True) == command


@pytest.mark.parametrize(("action", "kind"), STREAM_COMMANDS)
@pytest.mark.parametrize(
    ("asked", "target_ids"),
    [
        ({"target_ids": ["a", "b"]}, ["a", "b"]),
        ({"target_ids": [""]}, [""]),
        ({"target_ids": []}, []),
        ({"target_ids": None}, []),
        ({}, []),
    ],
)
def test_streams_are_named_or_left_out(
    action: str, kind: type[StartStream], asked: dict[str, object], target_ids: list[str]
) -> None:
    command = understood("recording", action=action, **asked)
    assert isinstance(command, kind)
    assert command.target_ids == target_ids


@pytest.mark.parametrize("action", [action for action, _ in STREAM_COMMANDS])
@pytest.mark.parametrize("target_ids", ["a", 7, {}, {"a": 1}, True, ["a", 7], [None], [["a"]]])
def test_what_names_no_streams_is_taken_to_be_refused_later(action: str, target_ids: object) -> None:
    """Rights come first: who may not start anything is told so, whatever else is wrong."""
    command = understood("recording", action=action, target_ids=target_ids)
    assert isinstance(command, StartStream | PauseStream | StopStream)
    assert command.target_ids is None


@pytest.mark.parametrize("stop", [{"action": "stop", "recording_id": "x"}, {"action": "stop_stream", "target_ids": []}])
@pytest.mark.parametrize("discard", [1, "true", None, [], {}])
def test_nothing_but_true_throws_a_recording_away(stop: dict[str, Any], discard: object) -> None:
    with pytest.raises(ProtocolError) as error:
        understood("recording", **stop, discard=discard)
    assert error.value.code == "invalid_json"


NO_IDS: list[object] = [None, 7, True, [], {}, "", "a b", "../a", ".a", "a/b", "\ud800", "x" * 65]
NO_NAMESPACES: list[object] = [7, None, ["control"], {}, True]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        *({"recording_id": each} for each in NO_IDS),
    ],
)
def test_what_is_no_recording_id_is_taken_to_be_refused_later(payload: dict[str, object]) -> None:
    assert understood("recording", action="stop", **payload) == Stop(action="stop", recording_id=None)


@pytest.mark.parametrize("recording_id", ["x", "22d7f0ca-3b27-4918-9a74-f568ddc5a55d", "x" * 64])
def test_a_recording_id_is_taken_as_it_is(recording_id: str) -> None:
    stop = understood("recording", action="stop", recording_id=recording_id)
    assert isinstance(stop, Stop)
    assert stop.recording_id == recording_id


def test_keys_that_are_not_known_are_ignored() -> None:
    text = '{"namespace":"recording","payload":{"action":"start","more":1},"transaction_id":7}'
    assert parse(text, joined=True) == Start(action="start")


def test_a_ping_keeps_what_else_was_sent_with_it() -> None:
    payload = {"action": "ping", "number": 7, "text": "ünïcode", "deep": [1, {"more": None}], "namespace": "echo"}
    assert parse(said("echo", payload), joined=False).model_dump() == payload


@pytest.mark.parametrize("more", [r'"\ud800"', r'{"\ud800":1}', "[" * 500 + "]" * 500], ids=["text", "key", "deep"])
def test_a_ping_that_could_not_be_said_in_return_is_refused(more: str) -> None:
    text = f'{{"namespace":"echo","payload":{{"action":"ping","more":{more}}}}}'
    assert refused(text) == ("echo", "invalid_json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_binary_frame_is_understood_like_a_text(encoding: str) -> None:
    text = '{"namespace":"control","payload":{"action":"join","display_name":"Åsa"}}'
    assert parse(text.encode(encoding), joined=True) == Join(action="join", display_name="Åsa")


# --- what has no meaning


@pytest.mark.parametrize("consent", ["true", "yes", "on", 1, 1.0, None, [True], 0, "false"])
def test_nothing_but_true_and_false_is_a_word_about_consent(consent: object) -> None:
    payload = {"action": "set_consent", "consent": consent}
    assert refused(said("recording", payload)) == ("recording", "invalid_json")


@pytest.mark.parametrize("version", ["", "x" * 65, 7, True, ["v1"], {}, "\ud800"])
def test_what_is_no_version_of_a_text_is_refused(version: object) -> None:
    payload = {"action": "set_consent", "consent": True, "text_version": version}
    assert refused(said("recording", payload)) == ("recording", "invalid_json")


@pytest.mark.parametrize("version", ["", "v" * 65, "a\x00", "\ud800", 7, ["v1"]], ids=ascii)
def test_a_no_is_a_no_whatever_text_it_names(version: object) -> None:
    payload = {"action": "set_consent", "consent": False, "text_version": version}
    text = json.dumps({"namespace": "recording", "payload": payload})
    assert parse(text, joined=True) == SetConsent(action="set_consent", consent=False)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_word_for_is_no_json(constant: str) -> None:
    text = '{"namespace":"echo","payload":{"action":"ping","number":' + constant + "}}"
    with pytest.raises(ProtocolError, match="control: invalid_json"):
        parse(text, joined=True)


@pytest.mark.parametrize(
    ("namespace", "payload"),
    [
        ("control", {"action": "dance"}),
        ("control", {"action": "start"}),
        ("control", {"action": "join", "display_name": 7}),
        ("control", {"action": "join", "display_name": ["Ann"]}),
        ("control", {"action": "grant_moderator_role"}),
        ("control", {"action": "grant_moderator_role", "target": 7}),
        ("control", {"action": "grant_moderator_role", "target": None}),
        ("control", {"action": "grant_moderator_role", "target": ""}),
        ("control", {"action": "revoke_moderator_role", "target": "a b"}),
        ("control", {"action": "revoke_moderator_role", "target": "\ud800"}),
        ("control", {"action": "revoke_moderator_role", "target": "x" * 129}),
        ("control", []),
        ("recording", {"action": "pause"}),
        ("recording", {"action": "join"}),
        ("recording", {}),
        ("recording", {"action": ["start"]}),
        ("recording", {"action": None}),
        ("recording", {"action": "set_consent"}),
        ("recording", "start"),
        ("recording", None),
        ("recording", 7),
    ],
)
def test_a_payload_that_has_no_meaning_is_refused_in_its_namespace(namespace: str, payload: object) -> None:
    assert refused(said(namespace, payload)) == (namespace, "invalid_json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "start",
        "{",
        b"\xff\xfe\x00",
        b"\xc3\x28",
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
        '{"namespace": "echo", "payload": ' + "9" * 10_000 + "}",
        *(said(namespace, {"action": "start"}) for namespace in NO_NAMESPACES),
    ],
    ids=lambda text: repr(text[:50]),
)
@pytest.mark.parametrize("joined", [True, False])
def test_what_is_no_envelope_is_no_json_to_us(text: str | bytes, *, joined: bool) -> None:
    assert refused(text, joined=joined) == ("control", "invalid_json")


def test_what_is_deep_within_an_unknown_key_is_not_looked_at() -> None:
    deep = "[" * 500 + "]" * 500
    text = f'{{"namespace":"recording","payload":{{"action":"start","more":{deep}}}}}'
    assert parse(text, joined=True) == Start(action="start")


@pytest.mark.parametrize("namespace", ["", "chat", "Control", "core", "\ud800"])
def test_a_namespace_that_is_not_known_is_refused(namespace: str) -> None:
    assert refused(said(namespace, {"action": "start"})) == ("control", "invalid_namespace")


# --- before `join`


@pytest.mark.parametrize("namespace", ["recording", "chat", ""])
@pytest.mark.parametrize("payload", [{"action": "start"}, {"action": "nothing"}, None])
def test_before_join_only_control_and_echo_mean_anything(namespace: str, payload: object) -> None:
    assert refused(said(namespace, payload), joined=False) == ("control", "not_yet_joined")


def test_join_and_echo_are_understood_before_join() -> None:
    assert parse(said("control", {"action": "join"}), joined=False) == Join(action="join")
    assert parse(said("echo", {"action": "ping"}), joined=False) == Ping(action="ping")


# --- anything at all

#: Also surrogates, which JSON can say and nobody can encode.
_texts = st.text(st.characters(exclude_categories=()), max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_actions = [
    *("join", "enter_room", "raise_hand", "lower_hand", "grant_moderator_role", "revoke_moderator_role"),
    *("start", "stop", "set_consent", "start_stream", "pause_stream", "stop_stream", "ping"),
]
_fields = dict.fromkeys(["display_name", "target", "recording_id", "text_version"], _texts | _json) | {
    "consent": st.booleans() | _json,
    "target_ids": _json,
}
_payloads = _json | st.fixed_dictionaries({"action": st.sampled_from(_actions) | _json}, optional=_fields)
_envelopes = st.fixed_dictionaries(
    {"namespace": st.sampled_from(["control", "recording", "echo"]) | _json, "payload": _payloads}
)


def is_understood_or_refused(text: str | bytes, *, joined: bool) -> bool:
    """Whatever else `parse` may raise comes through and fails the test."""
    try:
        return isinstance(parse(text, joined=joined), Command)
    except ProtocolError as error:
        known = ERRORS["recording" if error.namespace == "recording" else "control"]
        return error.code in known


@settings(max_examples=150)
@given(st.text(st.characters()) | st.binary(), st.booleans())
def test_any_text_or_bytes_are_understood_or_refused(text: str | bytes, joined: bool) -> None:
    assert is_understood_or_refused(text, joined=joined)


@settings(max_examples=300)
@given(_json | _envelopes, st.booleans())
def test_any_json_is_understood_or_refused(value: object, joined: bool) -> None:
    assert is_understood_or_refused(json.dumps(value), joined=joined)


@settings(max_examples=300)
@given(_envelopes)
def test_what_is_understood_can_be_stored(value: object) -> None:
    """Half of a surrogate pair can be said in JSON, and neither encoded nor kept by a database."""
    try:
        command = parse(json.dumps(value), joined=True)
        stored = display_name(command.display_name) if isinstance(command, Join) else command.model_dump_json()
    except ProtocolError:
        return
    stored.encode()
