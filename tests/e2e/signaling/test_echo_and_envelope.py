"""The envelope of every message, echo, and what is answered to what has no meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.signaling.client import Heard, refused
from tests.e2e.signaling.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

_DEEP = "[" * 100_000


async def test_an_echo_comes_back_in_the_same_envelope_before_and_after_joining(room: Room) -> None:
    alice = await room.connect(room.site.token("alice"))

    await alice.say({"namespace": "echo", "payload": {"action": "ping"}})
    await alice.find(lambda told: told == Heard("echo", {"action": "ping"}), "its echo")
    await alice.join("Alice")
    await alice.say({"namespace": "echo", "payload": {"action": "ping"}})
    await alice.find(lambda told: told == Heard("echo", {"action": "ping"}), "its echo")


async def test_an_echo_returns_the_payload_as_it_was(room: Room) -> None:
    alice = await room.enter("alice")
    await alice.echo(number=7, text="ünïcode", list=[1, {"deep": None}])


async def test_timestamps_are_in_utc_and_of_now(room: Room) -> None:
    before = datetime.now(UTC)
    alice = await room.enter("alice")
    await alice.echo()
    after = datetime.now(UTC)

    # That each one is RFC 3339 with a Z is asserted by the client, for every message of every test.
    moments = [datetime.fromisoformat(each) for each in alice.timestamps]
    assert len(moments) == 2
    assert before <= moments[0] <= moments[1] <= after


async def test_what_is_no_envelope_is_invalid_json(room: Room) -> None:
    alice = await room.enter("alice")
    for text in (
        "",
        "nonsense",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        '{"namespace": "control"}',
        '{"namespace": null, "payload": {"action": "raise_hand"}}',
        '{"namespace": 7, "payload": {"action": "raise_hand"}}',
        '{"payload": {"action": "raise_hand"}}',
        _DEEP,
    ):
        await alice.socket.send(text)
        await alice.echo()
        assert (text, alice.take()) == (text, [refused("invalid_json", "control")])


async def test_a_bad_control_payload_is_invalid_json(room: Room) -> None:
    bad: list[Any] = [
        None,
        [],
        "raise_hand",
        {},
        {"action": None},
        {"action": "dance"},
        {"action": ["raise_hand"]},
        {"action": "grant_moderator_role"},
        {"action": "grant_moderator_role", "target": 7},
        {"action": "revoke_moderator_role", "target": None},
    ]
    await _assert_answered_and_without_effect(room, "control", bad)


async def test_a_bad_recording_payload_is_answered_and_does_nothing(room: Room) -> None:
    bad: list[Any] = [
        {},
        {"action": "dance"},
        {"action": 7},
        {"action": "set_consent"},
        {"action": "set_consent", "consent": None},
        {"action": "set_consent", "consent": "true"},
        {"action": "set_consent", "consent": 1},
        {"action": "set_consent", "consent": True, "text_version": ""},
        {"action": "set_consent", "consent": True, "text_version": "x" * 65},
        {"action": "set_consent", "consent": True, "text_version": 7},
    ]
    await _assert_answered_and_without_effect(room, "recording", bad)


async def _assert_answered_and_without_effect(room: Room, namespace: str, payloads: list[Any]) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice", at=1)
    await room.quiet()
    for payload in payloads:
        await mona.say({"namespace": namespace, "payload": payload})
        await mona.find(lambda told: told.payload["message"] == "error", f"that {payload} is wrong", since=0)
        assert (payload, mona.take()) == (payload, [refused("invalid_json", namespace)])
    await room.settle()
    assert mona.take() == alice.take() == []


async def test_an_unknown_namespace_is_invalid(room: Room) -> None:
    alice = await room.enter("alice")
    for namespace in ("nonsense", "core", "recording_service", ""):
        await alice.say({"namespace": namespace, "payload": {"action": "start"}})
    await alice.echo()
    assert alice.take() == [refused("invalid_namespace", "control")] * 4


async def test_extra_keys_are_harmless(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    payload = {"action": "set_consent", "consent": True, "why": ["not"]}
    await alice.say({"namespace": "recording", "payload": payload, "transaction_id": 7, "timestamp": "now"})
    await mona.expect("control", "update", id="alice", recording={"consents_recording": True})
    await room.settle()
    assert alice.take() == []


async def test_what_cannot_be_encoded_harms_nobody(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    for text in (
        '{"namespace": "echo", "payload": {"action": "ping", "text": "\\ud800"}}',
        '{"namespace": "recording", "payload": {"action": "stop", "recording_id": "\\ud800"}}',
        '{"namespace": "control", "payload": {"action": "grant_moderator_role", "target": "\\ud800"}}',
        '{"namespace": "\\ud800", "payload": {"action": "start"}}',
        '{"namespace": "echo", "payload": {"action": "ping", "number": 1e999}}',
    ):
        await mona.socket.send(text)
    await mona.echo()


# ----------------------------------------------------------------------------------------------------- before joining


async def test_before_joining_only_join_and_echo_have_a_meaning(room: Room) -> None:
    mona = await room.connect(room.site.token("mona", "moderator"))
    for namespace, action in (
        ("control", "raise_hand"),
        ("control", "enter_room"),
        ("recording", "start"),
        ("nonsense", "start"),
    ):
        await mona.send(namespace, action=action)
        await mona.echo()
        assert (namespace, action, mona.take()) == (namespace, action, [refused("not_yet_joined", "control")])
    await mona.join("Mona")


async def test_a_consent_before_joining_counts_for_nothing(room: Room) -> None:
    alice = await room.connect(room.site.token("alice"))
    await alice.send("recording", action="set_consent", consent=True)
    await alice.expect("control", "error", error="not_yet_joined")
    await alice.join("Alice")
    mona = await room.enter("mona", "moderator", at=1)
    assert mona.welcome["participants"][0]["recording"] == {"consents_recording": False}


async def test_who_has_not_joined_is_told_nothing_of_the_room(room: Room) -> None:
    outsider = await room.connect(room.site.token("outsider"))
    await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await room.settle()
    await outsider.echo()

    assert outsider.take() == []
    assert [each["id"] for each in alice.welcome["participants"]] == ["mona"]
