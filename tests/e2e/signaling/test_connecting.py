"""The WebSocket's opening, its frames, and how it is closed."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from tests.e2e.signaling.client import LIMIT_SECONDS, OLD_PROTOCOL, PROTOCOL, Site, dialled
from tests.e2e.signaling.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MEGABYTE = 1024 * 1024
#: The gateway need not read the rest of what is too big, and then a reset may overtake its close frame.
_TOO_BIG = {1009, 1006}


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["TICKET", PROTOCOL], PROTOCOL),
        ([PROTOCOL, "TICKET"], PROTOCOL),
        (["TICKET", OLD_PROTOCOL], OLD_PROTOCOL),
        ([OLD_PROTOCOL, "TICKET"], OLD_PROTOCOL),
        ([PROTOCOL, OLD_PROTOCOL, "TICKET"], PROTOCOL),
        ([OLD_PROTOCOL, PROTOCOL, "TICKET"], OLD_PROTOCOL),
        ([OLD_PROTOCOL, "TICKET", PROTOCOL], OLD_PROTOCOL),
        (["something-else", PROTOCOL, "TICKET"], PROTOCOL),
    ],
)
async def test_sub_protocols_come_in_any_order_and_the_first_known_name_is_the_answer(
    site: Site, room: Room, offered: list[str], chosen: str
) -> None:
    ticket = await _ticket(site, room)
    async with dialled(site.signaling(), [ticket if each == "TICKET" else each for each in offered]) as socket:
        assert socket.subprotocol == chosen


@pytest.mark.parametrize("offered", [[], ["TICKET"], ["TICKET", "opentalk-signaling-json-v2.0"]])
async def test_without_a_known_protocol_it_stays_closed(site: Site, room: Room, offered: list[str]) -> None:
    ticket = await _ticket(site, room)
    await _assert_denied(site, [ticket if each == "TICKET" else each for each in offered], 400, "missing_protocol")


async def test_without_a_ticket_it_stays_closed(site: Site) -> None:
    await _assert_denied(site, [PROTOCOL], 401, "missing_ticket")


@pytest.mark.parametrize("ticket", ["", "short", "a" * 63, "a" * 64, "a" * 65])
async def test_with_a_ticket_that_nobody_was_given_it_stays_closed(site: Site, ticket: str) -> None:
    await _assert_denied(site, [PROTOCOL, f"ticket#{ticket}"], 401, "invalid_ticket")


async def test_a_used_ticket_is_invalid(site: Site, room: Room) -> None:
    ticket = await _ticket(site, room)
    async with dialled(site.signaling(), [PROTOCOL, ticket]):
        pass
    for at in (0, 1):
        await _assert_denied(site, [PROTOCOL, ticket], 401, "invalid_ticket", at)


async def test_binary_frames_are_read_as_json_too(site: Site, room: Room) -> None:
    alice = await room.connect(site.token())
    await alice.socket.send(json.dumps({"namespace": "control", "payload": {"action": "join"}}).encode())
    await alice.expect("control", "join_success")


async def test_a_message_in_fragments_is_one_message(site: Site, room: Room) -> None:
    alice = await room.connect(site.token())
    await alice.socket.send(['{"namespace": "control", ', '"payload": {"action"', ': "join"}}'])
    await alice.expect("control", "join_success")


async def test_a_large_message_that_is_allowed_is_answered(room: Room) -> None:
    alice = await room.enter("alice")
    await alice.send("echo", action="ping", padding="x" * (_MEGABYTE - 1000))
    await alice.find(lambda told: told.namespace == "echo", "an echo")


async def test_a_message_over_a_megabyte_ends_the_connection(site: Site, room: Room) -> None:
    async with dialled(site.signaling(), [PROTOCOL, await _ticket(site, room)]) as socket:
        await socket.send("x" * (_MEGABYTE + 1))
        assert await _close_code(socket) in _TOO_BIG


async def test_fragments_that_are_over_a_megabyte_together_end_the_connection(site: Site, room: Room) -> None:
    async with dialled(site.signaling(), [PROTOCOL, await _ticket(site, room)]) as socket:
        await socket.send(["x" * (_MEGABYTE // 4)] * 4 + ["x"])
        assert await _close_code(socket) == 1009


async def test_text_that_is_no_utf8_ends_the_connection(site: Site, room: Room) -> None:
    async with dialled(site.signaling(), [PROTOCOL, await _ticket(site, room)]) as socket:
        await socket.send(b'"\xff"', text=True)
        assert await _close_code(socket) == 1007


async def test_what_ends_one_connection_leaves_the_others(site: Site, room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=1)
    await room.quiet()

    await alice.socket.send("x" * (_MEGABYTE + 1))

    assert await alice.closed() in _TOO_BIG
    await mona.expect("control", "left", id="alice")
    await mona.echo()


async def _ticket(site: Site, room: Room) -> str:
    return f"ticket#{(await site.ticket(room.room_id, site.token()))['ticket']}"


async def _close_code(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(LIMIT_SECONDS):
        await socket.wait_closed()
    return socket.close_code


async def _assert_denied(site: Site, offered: list[str], status: int, code: str, at: int = 0) -> None:
    with pytest.raises(InvalidStatus) as denied:
        async with dialled(site.signaling(at), offered):
            pass
    answer = denied.value.response
    assert answer.status_code == status
    assert answer.body is not None
    told = json.loads(answer.body)
    assert told["code"] == code
    assert told["message"]
