"""The client's end of a WebSocket without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

from fastapi import WebSocket

from tests.support.eventually import eventually

_SCOPE = {"type": "websocket", "path": "/signaling", "headers": [], "subprotocols": [], "query_string": b""}


class Wire:
    """What the client says is received by the server's `websocket`, and what it is told is kept."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self._reads = asyncio.Event()
        self._reads.set()
        self._is_gone = False
        self.told: list[dict[str, Any]] = []
        #: The code that the server closed it with.
        self.close_code: int | None = None
        self.websocket = WebSocket(_SCOPE, self._said.get, self._sent)

    # --- what the client does

    def says(self, namespace: str, **payload: object) -> None:
        self.says_text(json.dumps({"namespace": namespace, "payload": payload}))

    def says_text(self, text: str) -> None:
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    def says_bytes(self, said: bytes) -> None:
        self._said.put_nowait({"type": "websocket.receive", "bytes": said})

    def hangs_up(self, code: int = 1000) -> None:
        """Close it with the code; 1006 is what the server makes of a connection that was lost."""
        self._said.put_nowait({"type": "websocket.disconnect", "code": code})

    def goes(self) -> None:
        """Be gone without the server having noticed: what it sends next fails."""
        self._is_gone = True

    def stops_reading(self) -> None:
        self._reads.clear()

    def reads_on(self) -> None:
        self._reads.set()

    # --- what the client is told

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [each["payload"] for each in self.told]

    @property
    def messages(self) -> list[str]:
        """What each is: its `message`, of an error with its namespace and code, of an echo its action."""
        return [_named(each["namespace"], each["payload"]) for each in self.told]

    async def hears(self, message: str, count: int = 1) -> dict[str, Any]:
        """Wait until it was told so often; return the last one's payload."""
        await eventually(lambda: self.messages.count(message) >= count)
        payloads = [each for each, name in zip(self.payloads, self.messages, strict=True) if name == message]
        return payloads[count - 1]

    async def is_heard(self) -> None:
        """Wait until everything that was said before has been taken up."""
        count = self.messages.count("echo ping") + 1
        self.says("echo", action="ping")
        await self.hears("echo ping", count)

    async def _sent(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.close_code = message["code"]
            return
        await self._reads.wait()
        if self._is_gone:
            raise OSError("the client is gone")
        if message["type"] == "websocket.send":
            self.told.append(json.loads(message["text"]))


def _named(namespace: str, payload: dict[str, Any]) -> str:
    if payload.get("message") == "error":
        return f"{namespace} {payload['error']}"
    return str(payload["message"] if "message" in payload else f"{namespace} {payload['action']}")
