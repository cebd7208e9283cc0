"""A participant's connection that costs the measuring process little, and tells when each message came.

The demo's client keeps all it was told, to be looked through; a thousand of those would measure themselves.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

_PROTOCOL = Subprotocol("opentalk-signaling-json-v1.0")
_OPEN_SECONDS = 30
_CLOSE_SECONDS = 10

Payload = dict[str, Any]
#: Is told the moment, namespace and payload of each message.
Hear = Callable[[float, str, Payload], None]

#: Counts from the machine's start; it is never set.
now = time.monotonic


class NotAdmittedError(Exception):
    """The server did not let a client in. `reason` is short: reasons are counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Client:
    """One WebSocket, read all the time."""

    def __init__(self, socket: ClientConnection, hear: Hear) -> None:
        self._socket = socket
        self._hear = hear
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connected(cls, http: httpx.AsyncClient, room_id: str, token: str, hear: Hear) -> Client:
        """Get a ticket and connect to where `http` leads. Raises NotAdmittedError."""
        try:
            answer = await http.post(f"/v1/rooms/{room_id}/start", headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != httpx.codes.OK:
                raise NotAdmittedError(f"start answered {answer.status_code}")
            protocols = [_PROTOCOL, Subprotocol(f"ticket#{answer.json()['ticket']}")]
            socket = await connect(
                str(http.base_url.copy_with(scheme="ws", path="/signaling")),
                subprotocols=protocols,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
            )
        except (httpx.HTTPError, InvalidHandshake, OSError, TimeoutError) as error:
            raise NotAdmittedError(type(error).__name__) from error
        return cls(socket, hear)

    @property
    def is_connected(self) -> bool:
        return not self._reading.done()

    async def send(self, namespace: str, **payload: Any) -> None:
        """Send, unless the connection is gone: what is not answered is counted elsewhere."""
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps({"namespace": namespace, "payload": payload}))

    async def close(self) -> None:
        await self._socket.close()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self._socket:
                moment = now()
                envelope = json.loads(text)
                self._hear(moment, envelope["namespace"], envelope["payload"])
