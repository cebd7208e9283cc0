"""Sessions that end by themselves. The shortest is a minute, which began before the first test."""

from __future__ import annotations

import pytest

from tests.e2e.rest.server import Server, refusal
from tests.e2e.rest.waiting import AUTO_CLOSE, Waiting
from tests.e2e.signaling.client import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_session_ends_by_itself_and_its_room_is_closed(server: Server, waiting: Waiting, site: Site) -> None:
    room = await server.get(f"/v2/rooms/{waiting.room_id}")
    assert room["autoCloseConfig"] == AUTO_CLOSE

    assert await waiting.closed() is not None

    (session,) = (await server.get("/v2/sessions", roomId=waiting.room_id))["data"]
    assert session["status"] == "ended"
    room = await server.until(f"/v2/rooms/{waiting.room_id}", lambda got: got["disabled"] is True)
    assert room["autoCloseConfig"] == AUTO_CLOSE
    ticket = await site.post(f"/v1/rooms/{waiting.room_id}/start", {}, site.token("bob"))
    assert refusal(ticket) == (400, "room_deactivated")
