"""One of a crowd: keeps count of what it should be told, and of what it was told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from services.bench.signaling.client import Client, NotAdmittedError, Payload, now
from services.bench.system import Server

_JOIN_SECONDS = 60


@dataclass(slots=True)
class Notes:
    """What all of a crowd measured together, in seconds."""

    joins: list[float] = field(default_factory=list)
    #: From a word to each of the others.
    updates: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    #: When who said yes or no.
    said: dict[tuple[str, bool], float] = field(default_factory=dict)


@dataclass(slots=True)
class Door:
    """Where a crowd comes in."""

    server: Server
    http: httpx.AsyncClient
    #: More at the same time would wait in the client, not at the server.
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(20))


class Member:
    def __init__(self, room_id: str, participant_id: str, notes: Notes) -> None:
        self.id = participant_id
        self._room_id = room_id
        self._notes = notes
        self._client: Client | None = None
        self._answer: asyncio.Future[Payload] | None = None
        #: Who was seen, in the list or coming, and whose words were heard.
        self._seen: Counter[str] = Counter()
        self._heard: Counter[tuple[str, bool]] = Counter()
        self._pings: list[float] = []
        self._pongs = 0

    @property
    def is_in(self) -> bool:
        return self._answer is not None and self._answer.done() and not self._answer.cancelled()

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def connect(self, door: Door) -> None:
        """Get a ticket and connect. Raises NotAdmittedError."""
        self._seen.clear()
        async with door.at_once:
            self._client = await Client.connected(door.http, self._room_id, door.server.token(self.id), self.hear)

    async def enter(self, door: Door) -> None:
        """Join; connect again where that failed before. Raises NotAdmittedError."""
        if self._client is None:
            await self.connect(door)
        assert self._client is not None
        self._answer = asyncio.get_running_loop().create_future()
        begin = now()
        await self._client.send("control", action="join", display_name=self.id)
        error = await self._error()
        if error:
            await self._client.close()
            self._client = self._answer = None
            raise NotAdmittedError(error)
        self._notes.joins.append(now() - begin)

    async def _error(self) -> str | None:
        """Wait for the answer; return what is wrong with it."""
        assert self._answer is not None
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                told = await self._answer
        except TimeoutError:
            return f"no answer within {_JOIN_SECONDS} s"
        return None if told["message"] == "join_success" else str(told.get("error"))

    async def say(self, *, consent: bool) -> None:
        assert self._client is not None
        self._notes.said[self.id, consent] = now()
        await self._client.send("recording", action="set_consent", consent=consent)

    async def ping(self) -> None:
        assert self._client is not None
        self._pings.append(now())
        await self._client.send("echo", action="ping")

    async def leave(self) -> None:
        if self._client:
            await self._client.close()

    def missing(self, others: Sequence[str]) -> int:
        """Return how much has not come: each of the others, each of their words, each answer to a ping."""
        unseen = sum(other not in self._seen for other in others)
        words = [(other, word) for other in others for word in (True, False) if (other, word) in self._notes.said]
        return unseen + sum(word not in self._heard for word in words) + len(self._pings) - self._pongs

    def repeated(self) -> int:
        """Return how much came again."""
        return sum(times - 1 for counts in (self._seen, self._heard) for times in counts.values())

    def hear(self, moment: float, namespace: str, payload: Payload) -> None:
        """Take a message that came at this moment."""
        if namespace == "echo":
            self._notes.pings.append(moment - self._pings[self._pongs])
            self._pongs += 1
            return
        match payload.get("message"):
            case "join_success":
                self._seen.update(peer["id"] for peer in payload["participants"])
                self._answered(payload)
            case "error":
                self._answered(payload)
            case "joined":
                self._seen[payload["id"]] += 1
            case "update":
                self._take_word(moment, payload)

    def _take_word(self, moment: float, payload: Payload) -> None:
        word = payload["id"], payload["recording"]["consents_recording"]
        if word in self._notes.said:
            self._heard[word] += 1
            self._notes.updates.append(moment - self._notes.said[word])

    def _answered(self, payload: Payload) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(payload)
