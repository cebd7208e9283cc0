"""A meeting for end-to-end tests: real clients on a running system, and their real media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from services.demo.client import SignalingClient
from services.demo.media import Clip
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RtpSender
from services.system import System
from shared.contracts.message import Event
from shared.eventsourcing.codec import decode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from shared.runtime.tokens import Permission, Tokens

Happened = TypeVar("Happened", bound=Event)

_OFFER = {
    "video": {"codec": "VP8", "payloadType": VIDEO_PAYLOAD_TYPE},
    "audio": {"codec": "opus", "payloadType": AUDIO_PAYLOAD_TYPE},
}
_LIMIT_SECONDS = 30
#: How many of the last events a wait in vain tells of.
_TOLD_EVENTS = 25
#: How much later than it came a packet may be placed on the clock, if the first one was late: then it is over.
_OVER_SECONDS = 0.3


class Sender(RtpSender):
    """Says that all was sent when it is over for the recorder too."""

    async def run(self, video_frames: int | None = None, audio_packets: int | None = None) -> None:
        await super().run(video_frames, audio_packets)
        await asyncio.sleep(_OVER_SECONDS)


@dataclass(slots=True)
class Meeting:
    """What a test does in a room, by the public interfaces alone."""

    base_url: str
    tokens: Tokens
    stack: AsyncExitStack
    room_id: str = ""
    clients: dict[str, SignalingClient] = field(default_factory=dict)

    def token(self, name: str | None = None, *, moderates: bool = False) -> str:
        permissions: list[Permission] = ["allow_join", "allow_mod"] if moderates else ["allow_join"]
        return self.tokens.issue(datetime.now(UTC), permissions=permissions, participant_id=name)

    def server_token(self) -> str:
        return self.tokens.issue(datetime.now(UTC), permissions=["allow_join", "allow_mod"], roles=["crawler"])

    async def post(self, path: str, body: dict[str, Any], token: str | None = None) -> httpx.Response:
        headers = {"Authorization": token or self.token()}
        async with httpx.AsyncClient(base_url=self.base_url) as http:
            return await http.post(path, json=body, headers=headers)

    async def create_room(self, webhook_url: str | None = None) -> None:
        wanted = ["recording-*", "participant-recording-*"]
        body = {"webhook": {"endPoint": webhook_url, "events": wanted}} if webhook_url else {}
        answer = await self.post("/v2/rooms", body, self.server_token())
        assert answer.status_code == 200, answer.text
        self.room_id = answer.json()["roomId"]

    async def join(self, name: str, *, moderates: bool = False) -> dict[str, Any]:
        """Let somebody in, again if need be, and return their join_success."""
        token = self.token(name, moderates=moderates)
        client = await self.stack.enter_async_context(SignalingClient.connected(self.base_url, self.room_id, token))
        self.clients[name] = client
        return await client.join(name)

    async def consent(self, name: str, *, consent: bool, seen_by: str) -> None:
        """Set a consent and wait until somebody else is told of it."""
        await self.clients[name].send("recording", action="set_consent", consent=consent)
        await self.clients[seen_by].wait_for(
            "control",
            "update",
            within=_LIMIT_SECONDS,
            where=lambda told: told["id"] == name and told["recording"]["consents_recording"] is consent,
        )

    async def start(self, moderator: str) -> str:
        await self.clients[moderator].send("recording", action="start")
        started = await self.clients[moderator].wait_for("recording", "started", _LIMIT_SECONDS)
        return str(started["recording_id"])

    async def stop(self, moderator: str, recording_id: str) -> None:
        await self.clients[moderator].send("recording", action="stop", recording_id=recording_id)
        await self.clients[moderator].wait_for("recording", "stopped", _LIMIT_SECONDS)

    async def sender(self, name: str, clip: Clip, token: str | None = None) -> Sender:
        answer = await self.post(
            f"/v1/rooms/{self.room_id}/participants/{name}/rtp", _OFFER, token or self.server_token()
        )
        assert answer.status_code == 200, answer.text
        opened = answer.json()
        video, audio = opened["video"], opened["audio"]
        return Sender(clip, opened["host"], (video["port"], video["rtcpPort"]), (audio["port"], audio["rtcpPort"]))


@asynccontextmanager
async def meeting(base_url: str, tokens: Tokens) -> AsyncIterator[Meeting]:
    async with AsyncExitStack() as stack:
        yield Meeting(base_url, tokens, stack)


@asynccontextmanager
async def room_of(running: System) -> AsyncIterator[Meeting]:
    """Make a room in which mona moderates."""
    async with meeting(f"http://127.0.0.1:{running.http_port}", Tokens(running.infrastructure.credentials)) as room:
        await room.create_room()
        await room.join("mona", moderates=True)
        yield room


async def events_of(store: EventStore) -> list[Event]:
    """Return all events of the log."""
    return [decode(stored) for stored in await store.read_all(limit=100_000)]


async def until_happened(
    store: EventStore,
    kind: type[Happened],
    where: Callable[[Happened], bool] = lambda _: True,
    within: float = _LIMIT_SECONDS,
) -> Happened:
    """Wait until the log holds such an event and return it. Raises TimeoutError, with what happened last."""
    seen: list[StoredEvent] = []
    try:
        async with asyncio.timeout(within):
            while True:
                new = await store.read_all(after=(seen and seen[-1].global_position) or 0)
                seen += new
                for event in map(decode, new):
                    if isinstance(event, kind) and where(event):
                        return event
                await asyncio.sleep(0.02)  # between two looks; the deadline is above
    except TimeoutError as error:
        last = "\n".join(f"{stored.occurred_at:%X.%f} {decode(stored)}" for stored in seen[-_TOLD_EVENTS:])
        raise TimeoutError(f"no such {kind.__name__} within {within} s; the last events are\n{last}") from error
