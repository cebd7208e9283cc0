"""A WebSocket client that does what no library lets one do: it writes any bytes, and reads only when it is told to."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.e2e.signaling.client import LIMIT_SECONDS, PROTOCOL

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

#: Small enough that the kernel, on both sides together, holds back some tens of kilobytes and no more.
_SMALL_BUFFER, _SMALL_SEGMENT = 4096, 536


class Frame(NamedTuple):
    opcode: int
    payload: bytes


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """Return a frame as a client sends it. Masked with zeros, which is allowed and leaves the payload as it is."""
    head = bytes([final << 7 | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + bytes(4) + payload
    if len(payload) < 2**16:
        return head + struct.pack("!BH", 0x80 | 126, len(payload)) + bytes(4) + payload
    return head + struct.pack("!BQ", 0x80 | 127, len(payload)) + bytes(4) + payload


def said(namespace: str, **payload: Any) -> bytes:
    """Return the frame of a message."""
    return frame(TEXT, json.dumps({"namespace": namespace, "payload": payload}).encode())


class RawConnection:
    """One connection."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._read = b""

    @property
    def port(self) -> int:
        """Our end of it."""
        return int(self._socket.getsockname()[1])

    async def pour(self, data: bytes, within: float = LIMIT_SECONDS) -> None:
        """Write as much as the gateway takes until it has ended the connection."""
        with suppress(ConnectionError, TimeoutError):
            await self.write(data, within)

    async def write(self, data: bytes, within: float = LIMIT_SECONDS) -> None:
        """Hand the bytes to the kernel. Raises TimeoutError, and ConnectionError once the gateway is gone."""
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def head(self) -> str:
        """Read the answer to the handshake, without its body; nothing when the gateway gives none and hangs up."""
        with suppress(ConnectionError):
            async with asyncio.timeout(LIMIT_SECONDS):
                while b"\r\n\r\n" not in self._read:
                    await self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    async def frame(self, within: float = LIMIT_SECONDS) -> Frame:
        """Read the next frame. Raises ConnectionError at the end, and TimeoutError."""
        async with asyncio.timeout(within):
            first, length = await self._exactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self._exactly(8))
            return Frame(first & 0x0F, await self._exactly(length))

    async def told(self, message: str) -> dict[str, Any]:
        """Read on until this message, and return its payload."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT and json.loads(payload)["payload"].get("message") == message:
                found: dict[str, Any] = json.loads(payload)["payload"]
                return found

    async def told_of(self, namespace: str) -> None:
        """Read on until a message of this namespace."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT and json.loads(payload)["namespace"] == namespace:
                return

    async def everything(self, within: float = LIMIT_SECONDS) -> tuple[list[Frame], int | None]:
        """Read to the end; return what came, and the close code, if one did. Raises TimeoutError."""
        frames: list[Frame] = []
        with suppress(ConnectionError):
            async with asyncio.timeout(within):
                while not frames or frames[-1].opcode != CLOSE:
                    frames.append(await self.frame(within))
        if not frames or frames[-1].opcode != CLOSE or not frames[-1].payload:
            return frames, None
        return frames, int.from_bytes(frames[-1].payload[:2])

    async def close_code(self, within: float = LIMIT_SECONDS) -> int | None:
        return (await self.everything(within))[1]

    async def join(self, name: str) -> None:
        await self.write(said("control", action="join", display_name=name))
        await self.told("join_success")

    def close(self) -> None:
        """Hang up without a closing handshake."""
        self._socket.close()

    def abort(self) -> None:
        """Be gone, as by a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    async def _exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            await self._more()
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    async def _more(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._socket, 65536)
        if not data:
            raise ConnectionResetError("the gateway has closed the connection")
        self._read += data


def handshake(ticket: str, *more: str) -> bytes:
    lines = [
        "GET /signaling HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {PROTOCOL}, ticket#{ticket}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@asynccontextmanager
async def dialled(url: str, *, reads_slowly: bool = False) -> AsyncIterator[RawConnection]:
    """Connect by TCP alone."""
    parts = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connecting:
        connecting.setblocking(False)
        if reads_slowly:
            connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SMALL_SEGMENT)
        await asyncio.get_running_loop().sock_connect(connecting, (parts.hostname, parts.port))
        yield RawConnection(connecting)


@asynccontextmanager
async def raw_connection(url: str, ticket: str, *, reads_slowly: bool = False) -> AsyncIterator[RawConnection]:
    """Connect up to the end of the handshake."""
    async with dialled(url, reads_slowly=reads_slowly) as connection:
        await connection.write(handshake(ticket))
        head = await connection.head()
        assert " 101 " in head.splitlines()[0], head
        yield connection
