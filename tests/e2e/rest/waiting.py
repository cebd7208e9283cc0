"""What takes a minute, begun before the first test and asked for by the last."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.e2e.rest.server import Server
from tests.e2e.signaling.client import Client, Site
from tests.e2e.signaling.room import Room

#: The shortest that can be asked for is a minute.
AUTO_CLOSE = {"type": "session-end-and-deactivate", "duration": 1}


class Waiting:
    """Somebody in a session that ends by itself."""

    def __init__(self, room_id: str, somebody: Client) -> None:
        self.room_id = room_id
        self.somebody = somebody

    @classmethod
    async def begin(cls, server: Server, site: Site, stack: AsyncExitStack) -> Waiting:
        room_id = (await server.post("/v2/rooms", {"autoCloseConfig": AUTO_CLOSE}))["roomId"]
        return cls(room_id, await Room(site, room_id, stack).enter("alice"))
