"""Somebody who talks and is seen: RTP in real time with timestamps of the clock, however busy the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from shared.contracts.participant_recording import ParticipantRecordingStopped
from shared.contracts.rtp_source import RtpSourceOpened
from tests.support.rtp_peer import RtpPeer, rtp_peer
from tests.support.studio import Studio
from tests.support.webm import Packet, read_packets

_SOUND_HZ, _PICTURE_HZ = 48_000, 90_000
#: Where the sequence numbers of the next one begin: no two of all sounds and pictures are alike.
_sequences = count(0, 1000)


@dataclass(slots=True)
class Talking:
    """One participant's camera and microphone."""

    video: RtpPeer
    audio: RtpPeer

    async def sounds(self, number: int = 10) -> list[bytes]:
        return [await self._sound() for _ in range(number)]

    async def pictures(self, number: int = 6) -> list[bytes]:
        """Send a keyframe and what builds on it."""
        return [await self._picture(keyframe=place == 0) for place in range(number)]

    async def both(self) -> tuple[list[bytes], list[bytes]]:
        """Return sounds and pictures."""
        return await asyncio.gather(self.sounds(), self.pictures())

    async def _sound(self) -> bytes:
        self.audio.timestamp = int(time.monotonic() * _SOUND_HZ) % 2**32
        data = self.audio.sound()
        await asyncio.sleep(0.02)  # as long as the sound; whoever listens has read it before this returns
        return data

    async def _picture(self, *, keyframe: bool) -> bytes:
        self.video.timestamp = int(time.monotonic() * _PICTURE_HZ) % 2**32
        data = self.video.keyframe() if keyframe else self.video.delta()
        await asyncio.sleep(1 / 30)
        return data


@contextmanager
def talking(to: RtpSourceOpened) -> Iterator[Talking]:
    with rtp_peer(to.video) as video, rtp_peer(to.audio) as audio:
        video.sequence = audio.sequence = next(_sequences) % 60_000
        yield Talking(video, audio)


async def finished(room: Studio, who: str, number: int = 1) -> list[Packet]:
    """Wait until a file that was told to end is in place, and read it."""
    stopped = await room.until(who, ParticipantRecordingStopped, number)
    return await asyncio.to_thread(read_packets, room.root / stopped.file.path)


def among(packets: list[Packet], sent: list[bytes]) -> list[bool]:
    """Tell of each whether it is in the file."""
    written = {packet.data for packet in packets}
    return [data in written for data in sent]
