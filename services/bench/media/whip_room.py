"""A recorded room whose participants publish by WHIP."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from services.bench.media.outgoing import Ports
from services.bench.media.recorded_room import RecordedRoom, recorded_room
from services.bench.media.sending import Sender
from services.bench.system import System
from shared.runtime.errors import StartupError

_HOST = "127.0.0.1"


class WhipRoom:
    """Recorders: the worker, with an ffmpeg for each participant, who comes by WHIP."""

    def __init__(self, room: RecordedRoom, system: System, forwarder: Process) -> None:
        self._room = room
        self._gateway = system.gateways[0]
        self._forwarder = forwarder
        self.pids, self.record, self.stop = room.pids, room.record, room.stop

    async def bring(self, sender: Sender) -> None:
        name = await self._room.let_in()
        port = await self._publish(name)
        await sender.add(Ports(_HOST, (port, port), (port, port)))

    async def _publish(self, name: str) -> int:
        assert self._forwarder.stdin is not None
        assert self._forwarder.stdout is not None
        about = {"url": f"{self._gateway.url}/v1/whip/{self._room.room_id}", "token": self._gateway.token(name)}
        self._forwarder.stdin.write(json.dumps(about).encode() + b"\n")
        port = await self._forwarder.stdout.readline()
        if not port:
            raise StartupError("the WHIP client ended: see what it wrote above")
        return int(port)


@asynccontextmanager
async def whip_room(system: System, signs: Collection[bytes]) -> AsyncIterator[WhipRoom]:
    """Make a room, and run the clients' process while the context lasts."""
    module = __name__.replace("whip_room", "whip_forwarder")
    forwarder = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=PIPE, stdout=PIPE)
    try:
        async with recorded_room(system, signs) as room:
            yield WhipRoom(room, system, forwarder)
    finally:
        with suppress(ProcessLookupError):
            forwarder.kill()
        await forwarder.wait()
