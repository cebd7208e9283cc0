"""A webhook target that costs next to nothing: it notes when what came, and says 200."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_ID = re.compile(rb"webhook-id: ([^\r]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Receiver:
    port: int = 0
    #: When each came first, by the machine's monotonic clock.
    heard: dict[str, float] = field(default_factory=dict)
    posts: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                name, length = _ID.search(head), _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                self.posts += 1
                self.heard.setdefault(name[1].decode() if name else "", time.monotonic())
                writer.write(_ANSWER)
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
