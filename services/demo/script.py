"""The scripted meeting: one moderator and four participants, about 20 s, with real signaling and real media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from services.demo.client import SignalingClient
from services.demo.media import Clip
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RtpSender

MODERATOR = "mona"
PARTICIPANTS = ("alice", "bob", "carol", "dave")

#: Seconds after the recording has started.
_BOB_CONSENTS, _CAROL_WITHDRAWS, _STOP = 6.0, 11.0, 17.0
_SERVER_SECONDS = 10

#: Takes a sentence for the person who watches.
Say = Callable[[str], None]
#: Makes a token for a participant; the flag says whether they moderate.
IssueToken = Callable[[str | None, bool], str]


@dataclass(frozen=True, slots=True)
class Held:
    """The meeting that was held."""

    room_id: str
    recording_id: str


class Meeting:
    """Plays the script against a running system."""

    def __init__(self, base_url: str, issue_token: IssueToken, clip: Clip, say: Say) -> None:
        self._base_url = base_url
        self._issue_token = issue_token
        self._clip = clip
        self._say = say
        self._clients: dict[str, SignalingClient] = {}

    async def hold(self) -> Held:
        """Hold the meeting. Raises TimeoutError and httpx.HTTPError when the system does not answer."""
        room_id = str((await self._post("/v2/rooms", {}))["roomId"])
        async with AsyncExitStack() as stack:
            for name in (MODERATOR, *PARTICIPANTS):
                await self._join(stack, room_id, name)
            await stack.enter_async_context(self._sending(room_id))
            recording_id = await self._record()
        return Held(room_id, recording_id)

    async def _join(self, stack: AsyncExitStack, room_id: str, name: str) -> None:
        token = self._issue_token(name, name == MODERATOR)
        client = await stack.enter_async_context(SignalingClient.connected(self._base_url, room_id, token))
        await client.join(name.title())
        self._clients[name] = client
        self._say(f"{name} joins" + (" as moderator" if name == MODERATOR else ""))

    @asynccontextmanager
    async def _sending(self, room_id: str) -> AsyncIterator[None]:
        senders = [await self._sender(room_id, name) for name in PARTICIPANTS]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sender.run()) for sender in senders]
            self._say(f"{', '.join(PARTICIPANTS)} send camera and microphone")
            yield
            for task in tasks:
                task.cancel()

    async def _sender(self, room_id: str, name: str) -> RtpSender:
        offer = {
            "video": {"codec": "VP8", "payloadType": VIDEO_PAYLOAD_TYPE},
            "audio": {"codec": "opus", "payloadType": AUDIO_PAYLOAD_TYPE},
        }
        answer = await self._post(f"/v1/rooms/{room_id}/participants/{name}/rtp", offer)
        video, audio = answer["video"], answer["audio"]
        return RtpSender(
            self._clip, answer["host"], (video["port"], video["rtcpPort"]), (audio["port"], audio["rtcpPort"])
        )

    async def _record(self) -> str:
        for name in ("alice", "carol"):
            await self._consent(name, consent=True)
        moderator = self._clients[MODERATOR]
        await moderator.send("recording", action="start")
        recording_id = str((await moderator.wait_for("recording", "started"))["recording_id"])
        self._say(f"{MODERATOR} starts recording {recording_id}")
        begin = asyncio.get_running_loop().time()
        await _until(begin + _BOB_CONSENTS)
        await self._consent("bob", consent=True)
        await _until(begin + _CAROL_WITHDRAWS)
        await self._consent("carol", consent=False)
        await _until(begin + _STOP)
        await moderator.send("recording", action="stop", recording_id=recording_id)
        await moderator.wait_for("recording", "stopped")
        self._say(f"{MODERATOR} stops the recording")
        return recording_id

    async def _consent(self, name: str, *, consent: bool) -> None:
        await self._clients[name].send("recording", action="set_consent", consent=consent)
        await self._clients[MODERATOR].wait_for(
            "control",
            "update",
            where=lambda told: told["id"] == name and told["recording"]["consents_recording"] is consent,
        )
        self._say(f"{name} {'consents' if consent else 'withdraws consent'}")

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": self._issue_token(None, False)}
        async with httpx.AsyncClient(base_url=self._base_url, timeout=_SERVER_SECONDS) as http:
            answer = await http.post(path, json=body, headers=headers)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0, moment - asyncio.get_running_loop().time()))
