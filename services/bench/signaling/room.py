"""A room that is recorded again and again, and when each of its listeners was told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from services.bench.signaling.client import Client, Payload, now
from services.bench.system import System
from shared.runtime.errors import StartupError

_PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What a moderator said, and when each client was told of what came of it."""

    recording_id: str
    #: By the machine's monotonic clock, and by that of its days, which the log goes by.
    said: float
    said_at: float
    heard: list[float]

    @property
    def times(self) -> list[float]:
        return [moment - self.said for moment in self.heard]


class Room:
    """The listeners; the first of them moderates."""

    def __init__(self) -> None:
        self._clients: list[Client] = []
        #: When each message came, by its name.
        self._heard: dict[str, list[float]] = {}
        self._recording_id = ""
        self._error: str | None = None
        self._arrived = asyncio.Event()

    async def start(self) -> Told:
        """Start a recording, and wait until everybody knows. Raises StartupError."""
        return await self._say("started", action="start")

    async def stop(self) -> Told:
        """Stop it, and wait until everybody knows. Raises StartupError."""
        return await self._say("stopped", action="stop", recording_id=self._recording_id)

    async def enter(self, http: httpx.AsyncClient, room_id: str, token: str, name: str) -> None:
        """Let one more in."""
        client = await Client.connected(http, room_id, token, self._hear)
        self._clients.append(client)
        await client.send("control", action="join", display_name=name)
        await self._told("join_success", 1)

    async def consent(self) -> None:
        """Let everybody say yes, and wait until all the others have heard it."""
        self._heard.clear()
        for client in self._clients:
            await client.send("recording", action="set_consent", consent=True)
        await self._told("update", len(self._clients) * (len(self._clients) - 1))

    async def leave(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients))

    async def _say(self, answer: str, **said: str) -> Told:
        self._heard.clear()
        begin, begin_at = now(), time.time()
        await self._clients[0].send("recording", **said)
        heard = await self._told(answer, len(self._clients))
        return Told(self._recording_id, begin, begin_at, heard)

    async def _told(self, name: str, count: int) -> list[float]:
        """Wait until so many messages of that name have come. Raises StartupError."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while len(self._heard.get(name, ())) < count and self._error is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            came = len(self._heard.get(name, ()))
            raise StartupError(f"{name} came {came} times within {_PATIENCE_SECONDS} s, not {count} times") from None
        if self._error is not None:
            raise StartupError(f"instead of {name}, a gateway told the error {self._error!r}")
        return self._heard[name]

    def _hear(self, moment: float, namespace: str, payload: Payload) -> None:
        name = str(payload.get("message"))
        self._heard.setdefault(name, []).append(moment)
        if name == "error":
            self._error = f"{namespace}: {payload.get('error')}"
        if name == "started":
            self._recording_id = str(payload["recording_id"])
        self._arrived.set()


@asynccontextmanager
async def open_room(system: System, count: int) -> AsyncIterator[Room]:
    """Let so many in, in turn at each gateway, and have all of them consent."""
    room = Room()
    async with AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(gateway.http()) for gateway in system.gateways]
        # Else each stop would clear consents, and people would have to say yes again before each start.
        room_id = await system.gateways[0].create_room(doors[0], consentPolicy="keep")
        stack.push_async_callback(room.leave)
        for n in range(count):
            token = system.gateways[0].token(f"listener-{n}", moderates=n == 0)
            await room.enter(doors[n % len(doors)], room_id, token, f"Listener {n}")
        await room.consent()
        yield room
