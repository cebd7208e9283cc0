"""A customer's server: it makes rooms by the SDK, brings people with real media, and waits for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from services.demo.media import Clip
from services.demo.rtp_sender import RtpSender
from shared.contracts.participant_recording import ParticipantRecordingStarted
from tests.e2e.videosdk.place import Place
from tests.e2e.videosdk.sdk import Sdk
from tests.support.eventually import eventually
from tests.support.meeting import Meeting, meeting, until_happened

_PACKETS_PER_SECOND = 50
STARTED, STOPPED = "participant recording started successfully.", "participant recording ended successfully."
#: Everybody is recorded on the server's word, and whoever sends media is there.
ATTESTED: dict[str, Any] = {"consentAttestation": {"reference": "contract 17"}, "media": {"type": "rtp"}}


@dataclass(slots=True)
class Server:
    place: Place
    sdk: Sdk
    clip: Clip
    stack: AsyncExitStack
    #: By room and participant.
    senders: dict[tuple[str, str], RtpSender] = field(default_factory=dict)

    async def room(self, **options: Any) -> Meeting:
        """Make a room by the SDK, and return a meeting in it."""
        made = await self.sdk.call("rooms.create", options)
        opened = await self.stack.enter_async_context(meeting(self.place.url, self.place.tokens))
        opened.room_id = made["roomId"]
        return opened

    async def attested_room(self, *names: str, **options: Any) -> Meeting:
        """Make a room on the server's word, with these people in it who send their media."""
        room = await self.room(**ATTESTED, **options)
        for name in names:
            await self.sends(room, name)
        return room

    async def sends(self, room: Meeting, name: str) -> RtpSender:
        """Have somebody send sound and picture until the test ends."""
        sender = self.senders[room.room_id, name] = await room.sender(name, self.clip, room.token(moderates=True))
        self.stack.push_async_callback(_ended, asyncio.create_task(sender.run()))
        return sender

    async def sent(self, room: Meeting, name: str, seconds: float) -> None:
        """Return when they have sent so much more sound."""
        sender = self.senders[room.room_id, name]
        enough = len(sender.sent_audio) + seconds * _PACKETS_PER_SECOND
        await eventually(lambda: len(sender.sent_audio) >= enough, within=seconds + 15)

    async def session_id(self, room: Meeting) -> str:
        (running,) = (await self.sdk.walk("sessions.list", roomId=room.room_id, status="ongoing")).items
        return str(running["id"])

    async def start(self, room: Meeting, name: str, **options: Any) -> str:
        """Start somebody's recording; return its id."""
        answer = await self.sdk.call("recordings.participant.start", room.room_id, {"participantId": name, **options})
        assert answer == STARTED
        newest = await self.sdk.walk("recordings.participant.list", roomId=room.room_id, participantId=name)
        return str(newest.items[0]["id"])

    async def stop(self, room: Meeting, name: str) -> None:
        assert await self.sdk.call("recordings.participant.stop", room.room_id, name) == STOPPED

    async def started(self, recording_id: str) -> None:
        """Wait until its file has begun."""
        await until_happened(
            self.place.store,
            ParticipantRecordingStarted,
            lambda it: it.participant_recording_id == recording_id,
            within=30,
        )

    async def finished(self, recording_id: str, resource: str = "recordings.participant") -> dict[str, Any]:
        """Wait until the recording has its files, and return it."""
        return await self.until(f"{resource}.get", recording_id, lambda got: bool(got["end"] and got["files"]))

    async def recorded(self, room: Meeting, name: str, seconds: float = 1.0) -> dict[str, Any]:
        """Record somebody for so long, and return the finished recording."""
        recording_id = await self.start(room, name)
        await self.started(recording_id)
        await self.sent(room, name, seconds)
        await self.stop(room, name)
        return await self.finished(recording_id)

    async def until(
        self, call: str, argument: Any, holds: Callable[[dict[str, Any]], bool], within: float = 40
    ) -> dict[str, Any]:
        """Ask until that holds of the answer, and return it. Raises TimeoutError."""
        got: dict[str, Any] = {}
        try:
            async with asyncio.timeout(within):
                while not holds(got := await self.sdk.call(call, argument)):  # noqa: ASYNC110  the deadline is above
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{call}({argument!r}) still says {got}") from None
        return got


async def _ended(sending: asyncio.Task[None]) -> None:
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
