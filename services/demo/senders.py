"""Participants as programs: each a signaling client, and a sender of plain RTP that a server announces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from services.demo.client import SignalingClient
from services.demo.media import Clip
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RtpSender
from services.demo.telling import IssueToken, Say

_SERVER_SECONDS = 10
_OFFER = {
    "video": {"codec": "VP8", "payloadType": VIDEO_PAYLOAD_TYPE},
    "audio": {"codec": "opus", "payloadType": AUDIO_PAYLOAD_TYPE},
}


class Senders:
    """All of them send the same clip."""

    def __init__(self, base_url: str, issue_token: IssueToken, names: Sequence[str], clip: Clip, say: Say) -> None:
        self._base_url = base_url
        self._issue_token = issue_token
        self._names = names
        self._clip = clip
        self._say = say
        self._clients: dict[str, SignalingClient] = {}

    @asynccontextmanager
    async def present(self, room_id: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for name in self._names:
                await self._join(stack, room_id, name)
            senders = [await self._sender(room_id, name) for name in self._names]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(sender.run()) for sender in senders]
                yield
                for task in tasks:
                    task.cancel()

    async def consent(self, name: str, *, consent: bool) -> None:
        await self._clients[name].send("recording", action="set_consent", consent=consent)

    async def _join(self, stack: AsyncExitStack, room_id: str, name: str) -> None:
        entering = SignalingClient.connected(self._base_url, room_id, self._issue_token(name, False))
        self._clients[name] = await stack.enter_async_context(entering)
        await self._clients[name].join(name.title())
        self._say(f"{name} joins")

    async def _sender(self, room_id: str, name: str) -> RtpSender:
        headers = {"Authorization": self._issue_token(None, False)}
        async with httpx.AsyncClient(base_url=self._base_url, timeout=_SERVER_SECONDS) as http:
            answer = await http.post(f"/v1/rooms/{room_id}/participants/{name}/rtp", json=_OFFER, headers=headers)
        told = answer.raise_for_status().json()
        video, audio = told["video"], told["audio"]
        ports = (video["port"], video["rtcpPort"]), (audio["port"], audio["rtcpPort"])
        return RtpSender(self._clip, told["host"], *ports)
