"""Names that are empty, too long, or not what they look like."""

from __future__ import annotations

import json

import pytest

from shared.contracts.room import ParticipantJoined, room_stream
from tests.e2e.hostile.gateway import Gateway
from tests.e2e.signaling.client import Heard, refused
from tests.e2e.signaling.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \t\n\u2003\u2028\u3000 ",
        "x" * 101,
        "\U0001f600" * 101,
        "x" * 900_000,
        *(f"E{character}ve" for character in "\x00\x01\x07\x08\x1b\x7f\x80\x9b" + _TURNING),
        "\x00" * 100,
        "\u202e" * 100,
        "\ud800",
        "Eve\udfff",
        "\udc00\ud800",
    ],
    ids=lambda name: f"{name[:6]!r} of {len(name)}",
)
async def test_a_name_that_does_not_do_is_refused_and_one_may_try_again(
    room: Room, gateway: Gateway, name: str
) -> None:
    eve = await room.connect(room.site.token("eve"))
    await eve.send("control", action="join", display_name=name)
    await eve.echo()
    assert eve.take() == [refused("invalid_username", "control")]
    assert "eve" not in await _names(gateway, room)
    assert (await eve.join("Eve"))["display_name"] == "Eve"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("x", "x"),
        ("x" * 100, "x" * 100),
        ("\U0001f600" * 100, "\U0001f600" * 100),
        ("\U0010fffd" * 100, "\U0010fffd" * 100),
        (" " * 1000 + "x" * 50 + "\t\r\n" * 1000 + "y" * 49 + " ", "x" * 50 + " " + "y" * 49),
        ("e\u0301\u0302\u0303", "e\u0301\u0302\u0303"),
        ("\u05d9\u05d5\u05e1\u05d9 \u0645\u0631\u064a\u0645", "\u05d9\u05d5\u05e1\u05d9 \u0645\u0631\u064a\u0645"),
        ("'; DROP TABLE events; --", "'; DROP TABLE events; --"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"}],"x":[{"', '"}],"x":[{"'),
        ("{0} %s ${name}", "{0} %s ${name}"),
    ],
    ids=lambda name: f"{name[:12]!r} of {len(name)}",
)
async def test_any_other_name_is_kept_as_it_is_but_for_white_space(
    room: Room, gateway: Gateway, asked: str, name: str
) -> None:
    mona = await room.enter("mona", "moderator")
    eve = await room.connect(room.site.token("eve"))
    assert (await eve.join(asked))["display_name"] == name
    assert (await mona.expect("control", "joined", id="eve"))["control"]["display_name"] == name
    assert (await _names(gateway, room))["eve"] == name


async def test_a_name_whose_halves_of_a_character_come_escaped_is_that_character(room: Room) -> None:
    eve = await room.connect(room.site.token("eve"))
    await eve.socket.send('{"namespace":"control","payload":{"action":"join","display_name":"\\ud83d\\ude00"}}')
    assert (await eve.expect("control", "join_success"))["display_name"] == "\U0001f600"


@pytest.mark.parametrize("name", [7, True, [], {}, ["Eve"], float("inf")], ids=str)
async def test_a_name_that_is_no_text_is_invalid_json(room: Room, name: object) -> None:
    eve = await room.connect(room.site.token("eve"))
    await eve.socket.send(json.dumps({"namespace": "control", "payload": {"action": "join", "display_name": name}}))
    await eve.echo()
    assert eve.take() == [Heard("control", {"message": "error", "error": "invalid_json"})]


async def _names(gateway: Gateway, room: Room) -> dict[str, str]:
    joined = [each for each in await gateway.history(room_stream(room.room_id)) if isinstance(each, ParticipantJoined)]
    return {each.participant_id: each.display_name for each in joined}
