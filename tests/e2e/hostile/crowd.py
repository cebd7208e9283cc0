"""A crowd: clients so cheap that a thousand of them fit beside the gateway they come to."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterable
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import httpx

from tests.e2e.hostile.raw import CLOSE, PING, PONG, TEXT, frame, handshake, said
from tests.e2e.signaling.client import Site

_LIMIT_SECONDS = 120
_TICKETS_AT_ONCE = 20


class Attendee(asyncio.Protocol):
    """One of them. Keeps of what it is told only whom it has seen."""

    def __init__(self, name: str, ticket: str) -> None:
        self.name = name
        self.role = ""
        #: Everybody else it was told of, as often as it was.
        self.seen: list[str] = []
        self.left: list[str] = []
        self.connected, self.joined = asyncio.Event(), asyncio.Event()
        self.ended = asyncio.Event()
        self._ticket = ticket
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def join(self) -> None:
        self.write(said("control", action="join", display_name=self.name))

    def leave(self) -> None:
        self.write(frame(CLOSE, b"\x03\xe8"))

    def write(self, data: bytes) -> None:
        assert self._transport
        self._transport.write(data)

    # --- asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.write(handshake(self._ticket))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self.connected.is_set():
            head, complete, rest = bytes(self._read).partition(b"\r\n\r\n")
            if not complete:
                return
            assert b" 101 " in head.split(b"\r\n")[0], head
            self._read = bytearray(rest)
            self.connected.set()
        self._take_frames()

    def _take_frames(self) -> None:
        read, begin = self._read, 0
        while len(read) - begin >= 2:
            length, body = read[begin + 1], begin + 2
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(read[body : body + size], "big") if len(read) >= body + size else len(read)
                body += size
            if len(read) < body + length:
                break
            self._take(read[begin] & 0x0F, bytes(read[body : body + length]))
            begin = body + length
        del read[:begin]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.write(frame(PONG, payload))
        elif opcode == TEXT and b'"message":"joined"' in payload:
            self.seen.append(json.loads(payload)["payload"]["id"])
        elif opcode == TEXT and b'"message":"left"' in payload:
            self.left.append(json.loads(payload)["payload"]["id"])
        elif opcode == TEXT and b'"message":"join_success"' in payload:
            told = json.loads(payload)["payload"]
            self.role = told["role"]
            self.seen += [each["id"] for each in told["participants"] if each["control"]["left_at"] is None]
            self.joined.set()
        elif opcode == CLOSE and payload:
            self.close_code = struct.unpack("!H", payload[:2])[0]


class Crowd:
    """All of them."""

    def __init__(self, attendees: list[Attendee]) -> None:
        self.attendees = attendees

    @classmethod
    async def connect(cls, site: Site, rooms: Iterable[str], stack: AsyncExitStack) -> Crowd:
        """Connect one for each of the rooms; a room may be named often. Nobody joins yet."""
        at_once = asyncio.Semaphore(_TICKETS_AT_ONCE)
        async with httpx.AsyncClient(base_url=site.urls[0], timeout=30) as rest:
            coming = [
                cls._connect(site, rest, at_once, room_id, f"a{number}", stack) for number, room_id in enumerate(rooms)
            ]
            return cls(list(await asyncio.gather(*coming)))

    @staticmethod
    async def _connect(
        site: Site, rest: httpx.AsyncClient, at_once: asyncio.Semaphore, room_id: str, name: str, stack: AsyncExitStack
    ) -> Attendee:
        async with at_once:
            headers = {"Authorization": f"Bearer {site.token(name)}"}
            answer = await rest.post(f"/v1/rooms/{room_id}/start", headers=headers)
            assert answer.status_code == 200, answer.text
            address = urlsplit(site.urls[0])
            transport, attendee = await asyncio.get_running_loop().create_connection(
                lambda: Attendee(name, answer.json()["ticket"]), str(address.hostname), int(address.port or 0)
            )
            stack.callback(transport.abort)
            async with asyncio.timeout(30):
                await attendee.connected.wait()
            return attendee

    async def join(self) -> None:
        """Have all of them join at once, and wait until all are told that they are in."""
        for each in self.attendees:
            each.join()
        async with asyncio.timeout(_LIMIT_SECONDS):
            await asyncio.gather(*(each.joined.wait() for each in self.attendees))

    async def leave(self) -> None:
        """Have all of them leave at once."""
        for each in self.attendees:
            each.leave()
        async with asyncio.timeout(_LIMIT_SECONDS):
            await asyncio.gather(*(each.ended.wait() for each in self.attendees))
