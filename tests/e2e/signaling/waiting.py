"""What takes half a minute, begun before the first test and asked for by the last; meanwhile it goes on elsewhere."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tests.e2e.signaling.client import PROTOCOL, Client, Payload, Site
from tests.e2e.signaling.room import Room
from tests.support.elsewhere import Elsewhere

_TICKET_SECONDS = 30
_AT_MOST_SECONDS = 55


class Waiting:
    """An unused ticket; and a connection that never answers a ping, with somebody who watches."""

    def __init__(self, place: Elsewhere, room: Room, watcher: Client, ticket: str) -> None:
        self._place = place
        self._room = room
        self._watcher = watcher
        self._ticket = ticket
        self._bought = time.monotonic()
        self._silent: asyncio.Task[tuple[list[float], float]] | None = None

    @classmethod
    async def begin(cls, site: Site, place: Elsewhere, stack: AsyncExitStack) -> Waiting:
        room = Room(site, await site.create_room(), stack)
        watcher = await room.enter("watcher")
        waiting = cls(place, room, watcher, (await site.ticket(room.room_id, site.token()))["ticket"])
        silent = (await site.ticket(room.room_id, site.token("silent"), at=1))["ticket"]
        waiting._silent = asyncio.create_task(_stay_silent(site.signaling(at=0), silent))
        stack.callback(waiting._silent.cancel)
        await watcher.expect("control", "joined", id="silent")
        return waiting

    async def answer_to_an_old_ticket(self) -> int:
        await asyncio.sleep(max(0, self._bought + _TICKET_SECONDS + 1 - time.monotonic()))
        try:
            await self._place.run(self._room.admit(self._ticket))
        except InvalidStatus as denied:
            return denied.response.status_code
        return 101

    async def silent_connection(self) -> tuple[list[float], float]:
        """Return after how many seconds pings came, and the end."""
        return await self._place.run(self._until_dropped())

    async def told_of_the_silent_one(self) -> Payload:
        return await self._place.run(self._watcher.expect("control", "left", id="silent"))

    async def _until_dropped(self) -> tuple[list[float], float]:
        assert self._silent is not None
        async with asyncio.timeout(_AT_MOST_SECONDS):
            return await asyncio.shield(self._silent)


async def _stay_silent(url: str, ticket: str) -> tuple[list[float], float]:
    protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol(PROTOCOL), Subprotocol(f"ticket#{ticket}")])
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    protocol.send_request(protocol.connect())
    writer.writelines(protocol.data_to_send())
    begin, pings = time.monotonic(), list[float]()
    try:
        while data := await _read(reader):
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Frame):
                    pings += [time.monotonic() - begin] if event.opcode is Opcode.PING else []
                else:
                    join = {"namespace": "control", "payload": {"action": "join", "display_name": "Silent"}}
                    protocol.data_to_send()
                    protocol.send_text(json.dumps(join).encode())
                    writer.writelines(protocol.data_to_send())
            protocol.data_to_send()  # the pongs, which are never sent
    finally:
        writer.close()
    return pings, time.monotonic() - begin


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
