"""One participant's tracks on their way: packets made of the clip, which somebody else sends when they are due."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.bench.media.clip import FRAME_RATE, keyframes
from services.demo.media import Clip
from services.demo.rtp_sender import AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, SentTrack

AUDIO_RATE = 50
_VIDEO_TICKS, _AUDIO_TICKS = 90_000 // FRAME_RATE, 48_000 // AUDIO_RATE
_MAX_PAYLOAD = 1200
#: VP8 payload descriptor with a picture id of 15 bits, as browsers send it (RFC 7741 section 4.2).
_DESCRIPTOR = struct.Struct("!BBH")
_START, _CONTINUED, _HAS_PICTURE_ID, _LONG_ID = 0x90, 0x80, 0x80, 0x8000

Address = tuple[str, int]
#: What is sent, and where to.
Datagram = tuple[bytes, Address]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a participant's media goes: for each track the ports for RTP and for RTCP."""

    host: str
    video: Sequence[int]
    audio: Sequence[int]


class OutgoingVideo:
    """The picture. Every frame has a number, which grows; those that a keyframe request skips are not sent."""

    rate = FRAME_RATE

    def __init__(self, clip: Clip, ports: Ports) -> None:
        self.track = SentTrack(VIDEO_PAYLOAD_TYPE, 90_000, (ports.host, ports.video[0]), (ports.host, ports.video[1]))
        #: Numbers of the frames that were sent: the place in the clip, and on from its length in its second lap.
        self.numbers: list[int] = []
        self._frames = clip.video
        self._keyframes = keyframes(clip)
        self._next = 0

    @property
    def sent(self) -> int:
        return len(self.numbers)

    def send(self, wall: float) -> Iterator[Datagram]:
        """Yield the next frame's packets, once a second with a report before them; `wall` is its time of day."""
        if self.sent % FRAME_RATE == 0:
            yield self.track.sender_report(wall), self.track.rtcp_target
        frame, picture_id = self._frames[self._next % len(self._frames)], _LONG_ID | (self.sent & 0x7FFF)
        for offset in range(0, len(frame), _MAX_PAYLOAD):
            piece = frame[offset : offset + _MAX_PAYLOAD]
            descriptor = _DESCRIPTOR.pack(_CONTINUED if offset else _START, _HAS_PICTURE_ID, picture_id)
            marker = offset + _MAX_PAYLOAD >= len(frame)
            yield self.track.packet(descriptor + piece, marker=marker), self.track.rtp_target
        self.track.advance(_VIDEO_TICKS)
        self.numbers.append(self._next)
        self._next += 1

    def skip_to_keyframe(self) -> None:
        """Let the next frame be a keyframe: one was asked for."""
        lap, place = divmod(self._next, len(self._frames))
        following = bisect_left(self._keyframes, place)
        at = self._keyframes[following] if following < len(self._keyframes) else len(self._frames)
        self._next = lap * len(self._frames) + at


class OutgoingAudio:
    """The sound."""

    rate = AUDIO_RATE

    def __init__(self, clip: Clip, ports: Ports) -> None:
        self.track = SentTrack(AUDIO_PAYLOAD_TYPE, 48_000, (ports.host, ports.audio[0]), (ports.host, ports.audio[1]))
        self._packets = clip.audio
        self.sent = 0

    def send(self, wall: float) -> Iterator[Datagram]:
        """Yield the next packet, once a second with a report before it; `wall` is its time of day."""
        if self.sent % AUDIO_RATE == 0:
            yield self.track.sender_report(wall), self.track.rtcp_target
        packet = self._packets[self.sent % len(self._packets)]
        yield self.track.packet(packet, marker=self.sent == 0), self.track.rtp_target
        self.track.advance(_AUDIO_TICKS)
        self.sent += 1
