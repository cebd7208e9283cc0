"""A room whose participants a server brings and has recorded, by the doors that every server uses."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from services.bench.cpu import children
from services.bench.files_finished import files_finished
from services.bench.media.first_media import first_media
from services.bench.media.outgoing import Ports
from services.bench.media.sending import Sender
from services.bench.system import System
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE
from shared.runtime.errors import StartupError

#: Whoever's media is announced is there.
_OPTIONS = {"media": {"type": "rtp"}}
#: Everybody is recorded on the server's word.
VOUCHED = {"consentAttestation": {"reference": "bench"}}
_OFFER = {
    "video": {"codec": "VP8", "payloadType": VIDEO_PAYLOAD_TYPE},
    "audio": {"codec": "opus", "payloadType": AUDIO_PAYLOAD_TYPE},
}


class RecordedRoom:
    """Recorders: the worker, with an ffmpeg for each participant."""

    def __init__(self, system: System, http: httpx.AsyncClient, room_id: str, signs: Collection[bytes]) -> None:
        self._system = system
        self._http = http
        self.room_id = room_id
        self._signs = signs
        self._names: list[str] = []
        self._begun: list[int] = []

    def pids(self) -> Sequence[int]:
        """Return the worker's, then those of its ffmpegs."""
        worker = self._system.behind["recorder"].pid
        return [worker, *children(worker)]

    def name(self, number: int) -> str:
        return f"{self.room_id}-{number}"

    async def let_in(self) -> str:
        """Have one more be there, whose media comes by another way."""
        return (await self._let_in())[0]

    async def bring(self, sender: Sender) -> None:
        _, told = await self._let_in()
        video, audio = ((told[kind]["port"], told[kind]["rtcpPort"]) for kind in ("video", "audio"))
        await sender.add(Ports(told["host"], video, audio))

    async def _let_in(self) -> tuple[str, Any]:
        """Let one more in by announcing their media; return their name, and where it is to be sent."""
        name = self.name(len(self._names))
        told = (await self._ask("POST", self._media_of(name), _OFFER)).json()
        self._names.append(name)
        return name, told

    async def record(self, number: int) -> float:
        said = time.monotonic()
        await self._recordings("start", number)
        self._begun.append(number)
        return await first_media(lambda: self.segment(number), self._signs) - said

    async def stop(self) -> Mapping[int, Path]:
        """Stop all recordings; return their finished files. Raises StartupError when one has none, and TimeoutError."""
        for number in range(len(self._names)):
            with suppress(StartupError):  # the start may have been refused, too
                await self._recordings("stop", number)
        await files_finished(self._system.log)
        return {number: self._file(number) for number in self._begun}

    async def _recordings(self, verb: str, number: int) -> None:
        about = {"roomId": self.room_id, "participantId": self._names[number]}
        await self._ask("POST", f"/v2/recordings/participant/{verb}", about)

    async def _ask(self, method: str, path: str, body: object) -> httpx.Response:
        return await self._system.gateways[0].ask(self._http, method, path, body)

    def _media_of(self, name: str) -> str:
        return f"/v1/rooms/{self.room_id}/participants/{name}/rtp"

    def segment(self, number: int) -> Path | None:
        return next(self._system.storage.glob(f"*/{self._names[number]}/*.segment-1.webm"), None)

    def _file(self, number: int) -> Path:
        files = list(self._system.storage.glob(f"*/{self._names[number]}/*.webm"))
        if len(files) != 1:
            said = self._system.behind["recorder"].last_words()
            raise StartupError(f"{self._names[number]} was not recorded into one file: {said}")
        return files[0]


@asynccontextmanager
async def recorded_room(
    system: System, signs: Collection[bytes], consent: Mapping[str, Any] = VOUCHED
) -> AsyncIterator[RecordedRoom]:
    """Make a room. A recording has begun when one of the signs of media is in its file."""
    gateway = system.gateways[0]
    async with gateway.http() as http:
        yield RecordedRoom(system, http, await gateway.create_room(http, **_OPTIONS, **consent), signs)
