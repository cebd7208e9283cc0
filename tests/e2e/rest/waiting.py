"""What takes a minute, begun before the first test and asked for by the last; meanwhile it goes on elsewhere."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.e2e.rest.server import Server
from tests.e2e.signaling.client import Client, Site
from tests.e2e.signaling.room import Room
from tests.support.elsewhere import Elsewhere

#: The shortest that can be asked for is a minute.
AUTO_CLOSE = {"type": "session-end-and-deactivate", "duration": 1}


class Waiting:
    """Somebody in a session that ends by itself."""

    def __init__(self, room_id: str, place: Elsewhere, somebody: Client) -> None:
        self.room_id = room_id
        self._place = place
        self._somebody = somebody

    @classmethod
    async def begin(cls, server: Server, site: Site, place: Elsewhere, stack: AsyncExitStack) -> Waiting:
        room_id = (await server.post("/v2/rooms", {"autoCloseConfig": AUTO_CLOSE}))["roomId"]
        return cls(room_id, place, await place.run(Room(site, room_id, stack).enter("alice")))

    async def closed(self) -> int | None:
        """Return the close code, once somebody's connection was closed."""
        return await self._place.run(self._somebody.closed(within=120))
