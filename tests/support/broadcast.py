"""Somebody who sends real pictures and sounds by RTP in real time, and mutes and unmutes them as a browser does.

The sender and its sequence numbers stay the same over a mute; its timestamps go on with the clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.demo.media import FRAME_RATE, Clip
from services.recorder.media.rtp import RtpPacket
from shared.contracts.rtp_source import RtpSourceOpened
from tests.support import vp8
from tests.support.rtp_peer import RtpPeer, rtp_peer

_SOUND_HZ, _PICTURE_HZ = 48_000, 90_000
_SOUND_SECONDS = 0.02
_MTU = 1000
#: How much later than it came a packet may be placed on the clock, if the first one was late: then it is over.
_OVER_SECONDS = 0.3


@dataclass(slots=True)
class Broadcast:
    """One participant's camera and microphone, whose clip begins with a keyframe."""

    clip: Clip
    video: RtpPeer
    audio: RtpPeer

    async def speak(self, packets: int) -> list[bytes]:
        """Unmute the microphone, and mute it after so many packets of 20 ms; return them."""
        sent = [self.clip.audio[at % len(self.clip.audio)] for at in range(packets)]
        async for at in _ticks(_SOUND_SECONDS, packets):
            self._sound(sent[at])
        return sent

    async def show(self, frames: int) -> list[bytes]:
        """Turn the camera on, and off after so many frames; return them."""
        sent = [self.clip.video[at % len(self.clip.video)] for at in range(frames)]
        async for at in _ticks(1 / FRAME_RATE, frames):
            self.picture(sent[at])
        return sent

    def picture(self, frame: bytes) -> None:
        timestamp = int(time.monotonic() * _PICTURE_HZ) % 2**32
        for packet in vp8.packetize(frame, timestamp=timestamp, sequence=self.video.sequence, mtu=_MTU):
            self.video.send(packet)

    def _sound(self, packet: bytes) -> None:
        timestamp = int(time.monotonic() * _SOUND_HZ) % 2**32
        self.audio.send(RtpPacket(111, self.audio.sequence & 0xFFFF, timestamp, vp8.SSRC, marker=False, payload=packet))


@contextmanager
def broadcast(clip: Clip, to: RtpSourceOpened) -> Iterator[Broadcast]:
    with rtp_peer(to.video) as video, rtp_peer(to.audio) as audio:
        yield Broadcast(clip, video, audio)


async def _ticks(interval: float, number: int) -> AsyncIterator[int]:
    """Yield 0, 1, 2, … at a steady rate that does not drift, and wait until the last is over."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for index in range(number):
        await asyncio.sleep(max(0, begin + index * interval - loop.time()))
        yield index
    await asyncio.sleep(_OVER_SECONDS)
