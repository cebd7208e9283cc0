"""A signaling client, as a browser would be one: a ticket, a WebSocket, messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

_PROTOCOL = Subprotocol("opentalk-signaling-json-v1.0")

Payload = dict[str, Any]


class SignalingClient:
    """One participant's connection. Everything that is received is kept in `received`, oldest first."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket
        self._arrived = asyncio.Condition()
        #: Namespace and payload.
        self.received: list[tuple[str, Payload]] = []

    @classmethod
    @asynccontextmanager
    async def connected(cls, base_url: str, room_id: str, token: str) -> AsyncIterator[SignalingClient]:
        """Get a ticket and connect; `base_url` is like `http://127.0.0.1:8080`."""
        async with httpx.AsyncClient(base_url=base_url) as http:
            answer = await http.post(f"/v1/rooms/{room_id}/start", headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
        protocols = [_PROTOCOL, Subprotocol(f"ticket#{answer.json()['ticket']}")]
        url = base_url.replace("http", "ws", 1) + "/signaling"
        async with connect(url, subprotocols=protocols) as websocket:
            client = cls(websocket)
            reading = asyncio.create_task(client._read())
            try:
                yield client
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def send(self, namespace: str, **payload: Any) -> None:
        await self._websocket.send(json.dumps({"namespace": namespace, "payload": payload}))

    async def join(self, display_name: str) -> Payload:
        """Join and return `join_success`."""
        await self.send("control", action="join", display_name=display_name)
        return await self.wait_for("control", "join_success")

    async def wait_for(
        self, namespace: str, message: str, within: float = 10, where: Callable[[Payload], bool] = lambda _: True
    ) -> Payload:
        """Return the first such message, past or to come. Raises TimeoutError."""

        def matching(received: list[tuple[str, Payload]]) -> list[Payload]:
            told = (payload for name, payload in received if name == namespace)
            return [payload for payload in told if payload.get("message") == message and where(payload)]

        await self.wait_until(lambda received: bool(matching(received)), within)
        return matching(self.received)[0]

    async def wait_until(self, holds: Callable[[list[tuple[str, Payload]]], bool], within: float = 10) -> None:
        """Wait until that holds of everything received so far. Raises TimeoutError."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: holds(self.received))

    async def _read(self) -> None:
        try:
            async for text in self._websocket:
                envelope = json.loads(text)
                async with self._arrived:
                    self.received.append((envelope["namespace"], envelope["payload"]))
                    self._arrived.notify_all()
        except ConnectionClosed:
            return
