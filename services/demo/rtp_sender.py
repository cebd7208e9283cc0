"""A participant's media sender: real RTP and RTCP sender reports over UDP, in real time, as an SFU would forward."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from services.demo.media import FRAME_RATE, Clip

VIDEO_PAYLOAD_TYPE, AUDIO_PAYLOAD_TYPE = 96, 111
_MAX_PAYLOAD = 1200
_VIDEO_TICKS, _AUDIO_TICKS = 90_000 // FRAME_RATE, 960
_AUDIO_INTERVAL = 0.02
_REPORT_SECONDS = 1.0
_NTP_TO_UNIX = 2_208_988_800
_RTP = struct.Struct("!BBHII")
_SENDER_REPORT = struct.Struct("!BBHIIIIII")


@dataclass(slots=True)
class SentTrack:
    """One track on its way: RTP header fields, and what was sent when."""

    payload_type: int
    rate_hz: int
    rtp_target: tuple[str, int]
    rtcp_target: tuple[str, int]
    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    sequence: int = field(default_factory=lambda: secrets.randbits(16))
    timestamp: int = field(default_factory=lambda: secrets.randbits(32))
    packets: int = 0
    octets: int = 0

    def packet(self, payload: bytes, *, marker: bool) -> bytes:
        """Return the next RTP packet (RFC 3550 section 5.1)."""
        header = _RTP.pack(
            0x80, self.payload_type | (0x80 if marker else 0), self.sequence & 0xFFFF, self.timestamp, self.ssrc
        )
        self.sequence += 1
        self.packets += 1
        self.octets += len(payload)
        return header + payload

    def sender_report(self, now: float) -> bytes:
        """Return an RTCP sender report (RFC 3550 section 6.4.1) for the moment `now`, seconds of the Unix epoch."""
        seconds, fraction = int(now), int((now % 1) * 2**32)
        return _SENDER_REPORT.pack(
            0x80, 200, 6, self.ssrc, seconds + _NTP_TO_UNIX, fraction, self.timestamp, self.packets, self.octets
        )

    def advance(self, ticks: int) -> None:
        self.timestamp = (self.timestamp + ticks) & 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame or packet and when its last byte was handed to the network, ns of the Unix epoch."""

    at_ns: int
    data: bytes


class RtpSender:
    """Sends a clip over and over until cancelled."""

    def __init__(self, clip: Clip, host: str, video: tuple[int, int], audio: tuple[int, int]) -> None:
        """Send to `host`; `video` and `audio` are RTP and RTCP ports."""
        self._clip = clip
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._video = SentTrack(VIDEO_PAYLOAD_TYPE, 90_000, (host, video[0]), (host, video[1]))
        self._audio = SentTrack(AUDIO_PAYLOAD_TYPE, 48_000, (host, audio[0]), (host, audio[1]))
        #: Frames and packets that were sent whole, in order.
        self.sent_video: list[Sent] = []
        self.sent_audio: list[Sent] = []

    async def run(self, video_frames: int | None = None, audio_packets: int | None = None) -> None:
        """Send in real time, for ever or as many as told."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_video(video_frames))
                group.create_task(self._send_audio(audio_packets))
        finally:
            self._socket.close()

    async def _send_video(self, count: int | None) -> None:
        async for index in _ticks(1 / FRAME_RATE, count):
            frame = self._clip.video[index % len(self._clip.video)]
            if index % FRAME_RATE == 0:
                self._report(self._video)
            for packet in self._video_packets(frame):
                self._send(packet, self._video.rtp_target)
            self.sent_video.append(Sent(time.time_ns(), frame))
            self._video.advance(_VIDEO_TICKS)

    async def _send_audio(self, count: int | None) -> None:
        async for index in _ticks(_AUDIO_INTERVAL, count):
            packet = self._clip.audio[index % len(self._clip.audio)]
            if index % round(_REPORT_SECONDS / _AUDIO_INTERVAL) == 0:
                self._report(self._audio)
            self._send(self._audio.packet(packet, marker=index == 0), self._audio.rtp_target)
            self.sent_audio.append(Sent(time.time_ns(), packet))
            self._audio.advance(_AUDIO_TICKS)

    def _video_packets(self, frame: bytes) -> Iterator[bytes]:
        """Cut a frame into packets with VP8 payload descriptors (RFC 7741 section 4.2)."""
        for offset in range(0, len(frame), _MAX_PAYLOAD):
            descriptor = b"\x10" if offset == 0 else b"\x00"  # S: start of the frame's first partition
            last = offset + _MAX_PAYLOAD >= len(frame)
            yield self._video.packet(descriptor + frame[offset : offset + _MAX_PAYLOAD], marker=last)

    def _report(self, track: SentTrack) -> None:
        self._send(track.sender_report(time.time()), track.rtcp_target)

    def _send(self, packet: bytes, target: tuple[str, int]) -> None:
        try:
            self._socket.sendto(packet, target)
        except OSError:
            # Nobody listens any more, or the socket's buffer is full: UDP promises nothing.
            return


async def _ticks(interval: float, count: int | None) -> AsyncIterator[int]:
    """Yield 0, 1, 2, … at a steady rate that does not drift."""
    loop = asyncio.get_running_loop()
    begin, index = loop.time(), 0
    while count is None or index < count:
        await asyncio.sleep(max(0, begin + index * interval - loop.time()))
        yield index
        index += 1
