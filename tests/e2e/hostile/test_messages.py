"""Messages that are too long, in too many pieces, or no text, and what they hold."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.e2e.hostile.gateway import Gateway, memory_sampled
from tests.e2e.hostile.raw import (
    CONTINUATION,
    PING,
    TEXT,
    RawConnection,
    dialled,
    frame,
    handshake,
    raw_connection,
)
from tests.e2e.signaling.client import refused
from tests.e2e.signaling.room import Room, consent

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MIB = 2**20
#: What the gateway takes at most, in bytes.
_LIMIT = _MIB
#: By how much the memory of the gateway may grow for one connection that sends what it likes.
_ROOM_TO_GROW = 64 * _MIB


def evil(room: Room, ticket: str) -> AbstractAsyncContextManager[RawConnection]:
    return raw_connection(room.site.signaling(), ticket)


async def ticket(room: Room, name: str = "eve") -> str:
    return str((await room.site.ticket(room.room_id, room.site.token(name)))["ticket"])


def padded(length: int) -> bytes:
    """Return an echo of so many bytes."""
    text = json.dumps({"namespace": "echo", "payload": {"action": "ping"}, "more": ""})
    return (text[:-2] + "x" * (length - len(text)) + '"}').encode()


# ------------------------------------------------------------------------------------------------------------ length


@pytest.mark.parametrize("length", [_LIMIT - 1, _LIMIT])
async def test_a_message_up_to_the_limit_is_answered(room: Room, length: int) -> None:
    eve = await room.enter("eve")
    assert len(padded(length)) == length
    await eve.socket.send(padded(length).decode())
    await eve.find(lambda told: told.namespace == "echo", "its echo")


@pytest.mark.parametrize("length", [_LIMIT + 1, 16 * _MIB])
async def test_a_longer_message_ends_its_connection(room: Room, gateway: Gateway, length: int) -> None:
    async with memory_sampled(gateway) as memory, evil(room, await ticket(room)) as eve:
        await eve.join("Eve")
        data = frame(TEXT, padded(length))
        await eve.pour(data)
        assert await eve.close_code() == 1009
    assert max(memory) - memory[0] < _ROOM_TO_GROW
    await gateway.until_gone(room.room_id, "eve")


async def test_a_message_whose_length_is_announced_as_endless_ends_its_connection(room: Room) -> None:
    async with evil(room, await ticket(room)) as eve:
        await eve.write(bytes([0x81, 0xFF]) + (2**63 - 1).to_bytes(8, "big") + bytes(4))
        assert await eve.close_code() == 1009


# --------------------------------------------------------------------------------------------------------- fragments


async def test_fragments_that_are_longer_than_the_limit_together_end_their_connection(
    room: Room, gateway: Gateway
) -> None:
    async with memory_sampled(gateway) as memory, evil(room, await ticket(room)) as eve:
        await eve.join("Eve")
        piece = b" " * 10_000
        await eve.pour(frame(TEXT, piece, final=False))
        await eve.pour(frame(CONTINUATION, piece, final=False) * 150)
        assert await eve.close_code() == 1009
    assert max(memory) - memory[0] < _ROOM_TO_GROW


async def test_a_message_in_many_fragments_is_one_message(room: Room) -> None:
    text = padded(500)
    async with evil(room, await ticket(room)) as eve:
        await eve.join("Eve")
        pieces = [frame(CONTINUATION, text[i : i + 1], final=False) for i in range(1, len(text))]
        await eve.write(frame(TEXT, text[:1], final=False) + b"".join(pieces) + frame(CONTINUATION))
        await eve.told_of("echo")


@pytest.mark.parametrize("piece", [b"", b" ", b"  "], ids=len)
async def test_endless_small_fragments_end_their_connection(room: Room, gateway: Gateway, piece: bytes) -> None:
    # Never too long together, or not before there are half a million of them.
    async with memory_sampled(gateway) as memory, evil(room, await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.pour(frame(TEXT, final=False) + frame(CONTINUATION, piece, final=False) * 400_000)
        assert await eve.close_code() == 1008
    assert max(memory) - memory[0] < _ROOM_TO_GROW
    await gateway.until_gone(room.room_id, "eve")


# ------------------------------------------------------------------------------------------------------- compression


async def test_compression_is_not_agreed_on(room: Room) -> None:
    async with dialled(room.site.signaling()) as eve:
        offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
        await eve.write(handshake(await ticket(room), offer))
        head = await eve.head()
        assert " 101 " in head
        assert "sec-websocket-extensions" not in head.lower()
        compressed = bytearray(frame(TEXT, b"\xaa\x56" * 8))
        compressed[0] |= 0x40  # RSV1, as of a compressed message
        await eve.write(bytes(compressed))
        assert await eve.close_code() == 1002


# ------------------------------------------------------------------------------------------------- frames and text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff\xfe{}"), 1007),
        (frame(TEXT, b'{"namespace": "\xed\xa0\x80"}'), 1007),
        (frame(TEXT, b"\xc3", final=False) + frame(CONTINUATION, b"("), 1007),
        (frame(0x3, b"?"), 1002),
        (frame(CONTINUATION, b"of nothing"), 1002),
        (frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"in pieces", final=False), 1002),
        (frame(0x8, b"\x03"), 1002),
        (frame(0x8, b"\x00\x01"), 1002),
        (frame(0x8, b"\x03\xe8\xff"), 1007),
        (b"\x81\x02{}", 1002),
    ],
    ids=[
        "no UTF-8",
        "a surrogate in UTF-8",
        "no UTF-8 over two fragments",
        "an unknown opcode",
        "a continuation of nothing",
        "a message within a message",
        "a long ping",
        "a fragmented ping",
        "half a close code",
        "an unknown close code",
        "a close reason that is no UTF-8",
        "no mask",
    ],
)
async def test_frames_that_break_the_protocol_end_their_connection(
    room: Room, gateway: Gateway, data: bytes, code: int
) -> None:
    async with evil(room, await ticket(room)) as eve:
        await eve.join("Eve")
        await eve.write(data)
        assert await eve.close_code() == code
    await gateway.until_gone(room.room_id, "eve")


async def test_frames_that_break_the_protocol_before_the_handshake_is_answered_do_no_harm(room: Room) -> None:
    for data in (frame(TEXT, b"\xff"), b"\xff" * 100, frame(0x3, b"?"), frame(0x8, b"\x03")):
        async with dialled(room.site.signaling()) as eve:
            await eve.write(handshake(await ticket(room)))
            await eve.pour(data)
            await eve.head()  # let in if the bytes came with the handshake or after its answer, else hung up on


@pytest.mark.parametrize(
    "more",
    [
        [f"X-Header-{number}: x" for number in range(300)],
        ["X-Long: " + "x" * 20_000],
        ["X-Odd: \xff\xfe"],
        ["Sec-WebSocket-Key: again"],
        ["Sec-WebSocket-Version: 12"],
        ["Sec-WebSocket-Protocol: " + ",".join(["x"] * 1000)],
        ["Sec-WebSocket-Extensions: ;;;=,"],
        ["Content-Length: 10"],
        ["Transfer-Encoding: chunked"],
    ],
    ids=lambda more: more[0][:30],
)
async def test_a_handshake_that_is_odd_is_answered_or_ended(room: Room, more: list[str]) -> None:
    async with dialled(room.site.signaling()) as eve:
        await eve.write(handshake(await ticket(room), *more))
        head = await eve.head()
        assert head.startswith("HTTP/1.1 ") or not head, head


async def test_bytes_that_are_no_text_are_invalid_json(room: Room) -> None:
    eve = await room.enter("eve")
    for data in (b"\xff\xfe", b"\xff" * 1000, b"\x00", b"", b'{"namespace": "\xff"}'):
        await eve.socket.send(data)
    await eve.echo()
    assert _but_of_others(eve.take()) == [refused("invalid_json", "control")] * 5


# ------------------------------------------------------------------------------------------------------------- JSON

_PING = '{"namespace": "echo", "payload": {"action": "ping"}'


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"namespace":"echo","payload":' * 20_000,
        "[" * 100_000 + "]" * 100_000,
        '{"namespace": "control", "payload": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "1" * 500_000,
        '{"namespace": ' + "9" * 5000 + ', "payload": {}}',
        "NaN",
        "-Infinity",
        _PING + ', "more": NaN}',
        "\ufeff" + _PING + "}",
        '"' + "\\ud800" * 1000 + '"',
    ],
    ids=lambda text: f"{text[:30]!r} of {len(text)}",
)
async def test_json_that_is_deep_huge_or_none_is_invalid_json(room: Room, text: str) -> None:
    eve = await room.enter("eve")
    await eve.socket.send(text)
    await eve.echo()
    assert _but_of_others(eve.take()) == [refused("invalid_json", "control")]


@pytest.mark.parametrize(
    "text",
    [
        '{"namespace": "control", "namespace": "echo", "payload": null, "payload": {"action": "ping"}}',
        '{"namespace": "echo", "payload": {"action": "pong", "action": "ping"}}',
        _PING + ', "more": 1e99999}',
        _PING + ', "more": ' + "[" * 500 + "]" * 500 + "}",
        _PING + ', "more": "\\ud800"}',
        _PING + ', "\\udfff": 7}',
        _PING + "}" + " " * 500_000,
    ],
    ids=lambda text: f"{text[:90]} of {len(text)}",
)
async def test_what_can_be_read_is_answered_and_of_two_keys_the_last_counts(room: Room, text: str) -> None:
    eve = await room.enter("eve")
    await eve.socket.send(text)
    await eve.find(lambda told: told.namespace == "echo", "its echo")
    assert [told.namespace for told in _but_of_others(eve.heard)] == ["echo"]


async def test_of_two_answers_to_the_question_of_consent_the_last_counts(room: Room) -> None:
    mona, eve = await room.enter("mona", "moderator"), await room.enter("eve")
    await consent(eve, seen_by=[mona])
    text = '{"namespace": "recording", "payload": {"action": "set_consent", "consent": true, "consent": false}}'
    await eve.socket.send(text)
    await mona.expect("control", "update", id="eve", recording={"consents_recording": False})


@pytest.mark.parametrize("value", ["1e400", "1", '"true"', "[true]", '{"consent": true}', "null"])
async def test_nothing_but_true_is_a_yes(room: Room, gateway: Gateway, value: str) -> None:
    eve = await room.enter("eve")
    text = '{"namespace": "recording", "payload": {"action": "set_consent", "consent": ' + value + "}}"
    await eve.socket.send(text)
    assert (await eve.expect("recording", "error"))["error"] == "invalid_json"


# -------------------------------------------------------------------------------------------------- half characters

_HALF = "\ud800"


@pytest.mark.parametrize(
    ("namespace", "payload", "answer"),
    [
        ("control", {"action": "grant_moderator_role", "target": _HALF}, refused("invalid_json", "control")),
        ("control", {"action": "revoke_moderator_role", "target": "eve" + _HALF}, refused("invalid_json", "control")),
        ("control", {"action": _HALF}, refused("invalid_json", "control")),
        (
            "recording",
            {"action": "set_consent", "consent": True, "text_version": _HALF},
            refused("invalid_json"),
        ),
        ("recording", {"action": "stop", "recording_id": _HALF}, refused("invalid_recording_id")),
        ("recording", {"action": "start_stream", "target_ids": [_HALF]}, refused("invalid_streaming_id")),
        ("recording", {"action": "pause_stream", "target_ids": [_HALF]}, refused("invalid_streaming_id")),
        ("recording", {"action": "stop_stream", "target_ids": [_HALF]}, refused("invalid_streaming_id")),
        ("recording", {"action": _HALF}, refused("invalid_json")),
        (_HALF, {"action": "start"}, refused("invalid_namespace", "control")),
    ],
    ids=str,
)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
async def test_half_a_character_is_refused_in_every_field(
    room: Room, namespace: str, payload: dict[str, Any], answer: object, *, binary: bool
) -> None:
    eve = await room.enter("eve", "moderator")
    message = {"namespace": namespace, "payload": payload}
    text = json.dumps(message)
    # In bytes it comes as it is: Python's JSON takes it, though it is no UTF-8.
    await eve.socket.send(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass") if binary else text)
    await eve.find(lambda told: told == answer, f"{answer}")


@pytest.mark.parametrize("version", ["\x00", "v\x00", "\x00" * 64, "\x01", "\x7f"], ids=ascii)
async def test_a_version_that_nobody_can_store_is_refused(room: Room, version: str) -> None:
    eve = await room.enter("eve")
    await eve.send("recording", action="set_consent", consent=True, text_version=version)
    assert (await eve.expect("recording", "error"))["error"] == "invalid_json"


@pytest.mark.parametrize("version", ["\x80", "\U0010ffff" * 64, "'; DROP TABLE events; --", "\u202e"])
async def test_any_other_text_may_name_a_version(room: Room, version: str) -> None:
    mona, eve = await room.enter("mona", "moderator"), await room.enter("eve")
    await consent(eve, seen_by=[mona], text_version=version)


# ------------------------------------------------------------------------------------------------------------- tools


def _but_of_others(heard: list[Any]) -> list[Any]:
    """Leave out what the people say who go on all the while."""
    return [told for told in heard if told.payload.get("id") not in {"speaker", "witness"}]
