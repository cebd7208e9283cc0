"""Rooms with people in them: by signaling, and by real media."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from services.demo.media import Clip
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RtpSender
from tests.e2e.rest.server import Server
from tests.e2e.signaling.client import Client, Site
from tests.e2e.signaling.room import Room
from tests.support.eventually import eventually

STARTED, STOPPED = "participant recording started successfully.", "participant recording ended successfully."
#: Everybody is recorded on the server's word, and whoever's media is announced is there.
ATTESTED: dict[str, Any] = {"consentAttestation": {"reference": "contract 17"}, "media": {"type": "rtp"}}

_RECORDINGS = "/v2/recordings/participant"
_OFFER = {
    "audio": {"codec": "opus", "payloadType": AUDIO_PAYLOAD_TYPE},
    "video": {"codec": "VP8", "payloadType": VIDEO_PAYLOAD_TYPE},
}
_PACKETS_PER_SECOND = 50


class Sender(RtpSender):
    """Sends in real time, and nothing of a track that is muted."""

    def __init__(self, clip: Clip, host: str, video: dict[str, int], audio: dict[str, int]) -> None:
        super().__init__(clip, host, (video["port"], video["rtcpPort"]), (audio["port"], audio["rtcpPort"]))
        self._ports = {"audio": audio.values(), "video": video.values()}
        self.muted: set[str] = set()

    async def sends(self, seconds: float) -> None:
        """Return when so much more time of media has passed, muted or not."""
        enough = len(self.sent_audio) + seconds * _PACKETS_PER_SECOND
        # By the clock as well: a sender that was held up catches up in no time.
        await asyncio.gather(
            asyncio.sleep(seconds), eventually(lambda: len(self.sent_audio) >= enough, within=seconds + 45)
        )

    def _send(self, packet: bytes, target: tuple[str, int]) -> None:
        if not any(target[1] in self._ports[kind] for kind in self.muted):
            super()._send(packet, target)


@dataclass(frozen=True, slots=True)
class Call:
    """A room, who is in it, and whom of it is recorded."""

    server: Server
    #: What the room's making answered.
    made: dict[str, Any]
    #: Those who come by signaling.
    room: Room
    clip: Clip
    stack: AsyncExitStack
    senders: dict[str, Sender] = field(default_factory=dict)

    @property
    def room_id(self) -> str:
        return self.room.room_id

    def about(self, name: str, **more: Any) -> dict[str, Any]:
        return {"roomId": self.room_id, "participantId": name, **more}

    async def enter(self, name: str, role: str = "user") -> Client:
        return await self.room.enter(name, role)

    async def bring(self, name: str, *muted: str) -> Sender:
        """Announce somebody's media and send it until the test ends."""
        opened = await self.server.post(f"/v1/rooms/{self.room_id}/participants/{name}/rtp", _OFFER)
        sender = self.senders[name] = Sender(self.clip, opened["host"], opened["video"], opened["audio"])
        sender.muted.update(muted)
        self.stack.push_async_callback(_ended, asyncio.create_task(sender.run()))
        return sender

    async def session_id(self) -> str:
        (session,) = (await self.server.get("/v2/sessions", roomId=self.room_id, status="ongoing"))["data"]
        return str(session["id"])

    async def start(self, name: str, **more: Any) -> str:
        """Start somebody's recording; return its id."""
        answer = await self.server.ask("POST", f"{_RECORDINGS}/start", self.about(name, **more))
        assert (answer.status_code, answer.text) == (200, f'"{STARTED}"')
        return answer.headers["Recording-Id"]

    async def stop(self, name: str) -> None:
        answer = await self.server.ask("POST", f"{_RECORDINGS}/stop", self.about(name))
        assert (answer.status_code, answer.text) == (200, f'"{STOPPED}"')

    async def started(self, recording_id: str, below: str = _RECORDINGS) -> dict[str, Any]:
        """Wait until its file has begun, and return the recording."""
        got: dict[str, Any] = await self.server.until(f"{below}/{recording_id}", lambda got: got["start"] is not None)
        return got

    async def finished(self, recording_id: str, below: str = _RECORDINGS) -> dict[str, Any]:
        """Wait until the recording is over and has its files, and return it."""
        got: dict[str, Any] = await self.server.until(
            f"{below}/{recording_id}", lambda got: bool(got["end"] and got["files"])
        )
        return got

    async def recorded(self, name: str, seconds: float = 0.5, **more: Any) -> dict[str, Any]:
        """Record somebody who sends for so long, and return the finished recording."""
        recording_id = await self.start(name, **more)
        await self.started(recording_id)
        await self.senders[name].sends(seconds)
        await self.stop(name)
        return await self.finished(recording_id)


@dataclass(frozen=True, slots=True)
class Calls:
    server: Server
    site: Site
    clip: Clip
    stack: AsyncExitStack

    async def begin(self, **options: Any) -> Call:
        """Make a room with these options, with nobody in it."""
        made = await self.server.post("/v2/rooms", options)
        return Call(self.server, made, Room(self.site, made["roomId"], self.stack), self.clip, self.stack)

    async def attested(self, *names: str, **options: Any) -> Call:
        """Make a room on the server's word, with these people in it who send their media."""
        call = await self.begin(**ATTESTED, **options)
        for name in names:
            await call.bring(name)
        return call


async def _ended(sending: asyncio.Task[None]) -> None:
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
