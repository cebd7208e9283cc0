"""The scripted meeting: one moderator and four participants, about 20 s, with real signaling and real media."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from services.demo.client import SignalingClient
from services.demo.telling import IssueToken, Say

MODERATOR = "mona"
PARTICIPANTS = ("alice", "bob", "carol", "dave")

#: Seconds after the recording has started.
_BOB_CONSENTS, _CAROL_WITHDRAWS, _STOP = 6.0, 11.0, 17.0
_SERVER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Held:
    """The meeting that was held."""

    room_id: str
    recording_id: str


class Participants(Protocol):
    """Who is there beside the moderator, by whatever program."""

    def present(self, room_id: str) -> AbstractAsyncContextManager[None]:
        """Let all join and send camera and microphone, while the context lasts."""
        ...

    async def consent(self, name: str, *, consent: bool) -> None:
        """Let one of them say yes or no."""
        ...


class Meeting:
    """Plays the script against a running system."""

    def __init__(self, base_url: str, issue_token: IssueToken, participants: Participants, say: Say) -> None:
        self._base_url = base_url
        self._issue_token = issue_token
        self._participants = participants
        self._say = say

    async def hold(self) -> Held:
        """Hold the meeting. Raises TimeoutError and httpx.HTTPError when the system does not answer."""
        room_id = str((await self._post("/v2/rooms", {}))["roomId"])
        async with AsyncExitStack() as stack:
            token = self._issue_token(MODERATOR, True)
            entering = SignalingClient.connected(self._base_url, room_id, token)
            moderator = await stack.enter_async_context(entering)
            await moderator.join(MODERATOR.title())
            self._say(f"{MODERATOR} joins as moderator")
            await stack.enter_async_context(self._participants.present(room_id))
            self._say(f"{', '.join(PARTICIPANTS)} send camera and microphone")
            recording_id = await self._record(moderator)
        return Held(room_id, recording_id)

    async def _record(self, moderator: SignalingClient) -> str:
        for name in ("alice", "carol"):
            await self._consent(moderator, name, consent=True)
        await moderator.send("recording", action="start")
        recording_id = str((await moderator.wait_for("recording", "started"))["recording_id"])
        self._say(f"{MODERATOR} starts recording {recording_id}")
        begin = asyncio.get_running_loop().time()
        await _until(begin + _BOB_CONSENTS)
        await self._consent(moderator, "bob", consent=True)
        await _until(begin + _CAROL_WITHDRAWS)
        await self._consent(moderator, "carol", consent=False)
        await _until(begin + _STOP)
        await moderator.send("recording", action="stop", recording_id=recording_id)
        await moderator.wait_for("recording", "stopped")
        self._say(f"{MODERATOR} stops the recording")
        return recording_id

    async def _consent(self, moderator: SignalingClient, name: str, *, consent: bool) -> None:
        await self._participants.consent(name, consent=consent)
        await moderator.wait_for(
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
