"""A receiver of webhooks that misbehaves: HTTP over sockets, so that it can also hang, cut and be down."""

from __future__ import annotations

import asyncio
import base64
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.processes import free_port

#: What becomes of a request: an answer; none at all; the end of the connection once it was read, or half of it.
Fault = Literal["200", "204", "500", "503", "hang", "cut", "cut early"]


@dataclass(frozen=True, slots=True)
class Posted:
    """A request that came whole."""

    headers: dict[str, str]
    body: bytes
    #: Whether the sender was told that it arrived.
    accepted: bool

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.told["webhookType"])

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.told["data"]
        return data

    def signed(self, public_key: str) -> dict[str, str]:
        """Return what `sdk.verdicts` wants to know."""
        signature = self.headers["videosdk-signature"]
        return {"body": base64.b64encode(self.body).decode(), "signature": signature, "publicKey": public_key}


def _always_well() -> Fault:
    return "200"


@dataclass(eq=False)
class Receiver:
    """Listens on a port of its own, up or down."""

    fate: Callable[[], Fault] = _always_well
    port: int = field(default_factory=free_port)
    #: In the order in which they came.
    posted: list[Posted] = field(default_factory=list)
    #: How often each fault was met.
    faults: dict[str, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _open: dict[asyncio.Task[None], StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def down(self) -> None:
        """Refuse connections, and cut those that are there."""
        assert self._server is not None
        self._server.close()
        while self._open:
            for each in self._open.values():
                each.transport.abort()
            await asyncio.wait(self._open)
        await self._server.wait_closed()

    def types(self) -> list[str]:
        """Return what was told, each once, in the order in which it first came."""
        return [each.type for each in self.first().values()]

    def first(self) -> dict[str, Posted]:
        """Return by its id what came, as it first came."""
        first: dict[str, Posted] = {}
        for each in self.posted:
            first.setdefault(each.id, each)
        return first

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self._open[serving] = writer
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._take(reader, writer):
                    pass
        finally:
            del self._open[serving]
            writer.close()

    async def _take(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Take one request; return whether there may be another."""
        head = await reader.readuntil(b"\r\n\r\n")
        fate = self.fate()
        self.faults[fate] = self.faults.get(fate, 0) + 1
        if fate == "cut early":
            writer.transport.abort()
            return False
        headers = _headers(head)
        body = await reader.readexactly(int(headers["content-length"]))
        self.posted.append(Posted(headers, body, accepted=fate in {"200", "204"}))
        return await self._answer(fate, reader, writer)

    async def _answer(self, fate: Fault, reader: StreamReader, writer: StreamWriter) -> bool:
        if fate == "hang":
            await reader.read()  # until the sender has had enough
            return False
        if fate == "cut":
            writer.transport.abort()
            return False
        length = b"" if fate == "204" else b"Content-Length: 0\r\n"
        writer.write(b"HTTP/1.1 %s x\r\n%s\r\n" % (fate.encode(), length))
        await writer.drain()
        return True


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


@asynccontextmanager
async def receiver(fate: Callable[[], Fault] = _always_well) -> AsyncIterator[Receiver]:
    """Run one while the context lasts, up at first."""
    one = Receiver(fate)
    await one.up()
    try:
        yield one
    finally:
        await one.down()
