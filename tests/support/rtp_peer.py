"""A sender of RTP with sockets of its own, and what it is asked by RTCP."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.rtp import RtpPacket
from shared.contracts.rtp_source import RtpPorts
from tests.support import vp8
from tests.support.datagrams import datagram, sender_report

_PAYLOAD_FEEDBACK, _PICTURE_LOSS = 206, 1


@dataclass(slots=True)
class RtpPeer:
    """One track on its way to a source's ports; VP8 of payload type 96, Opus of 111."""

    rtp: socket.socket
    rtcp: socket.socket
    to: RtpPorts
    sequence: int = 0
    timestamp: int = 0

    def keyframe(self) -> bytes:
        return self._picture(vp8.keyframe())

    def delta(self) -> bytes:
        return self._picture(vp8.delta_frame())

    def sound(self) -> bytes:
        packet = b"\xf8sound" + self.sequence.to_bytes(2, "big")
        self.send(RtpPacket(111, self.sequence, self.timestamp, vp8.SSRC, marker=False, payload=packet))
        self.timestamp += 960
        return packet

    async def sounds(self, count: int) -> list[bytes]:
        """Send sound in real time."""
        return [await self._paced(self.sound(), 0.02) for _ in range(count)]

    async def pictures(self, count: int) -> list[bytes]:
        """Send a keyframe and what builds on it in real time."""
        return [await self._paced(self.delta() if at else self.keyframe(), 1 / 30) for at in range(count)]

    def lose(self) -> None:
        """Let a packet be lost."""
        self.sequence += 1

    def report(self) -> None:
        self.rtcp.sendto(sender_report(1_800_000_000 * NS_PER_SECOND, self.timestamp), ("127.0.0.1", self.to.rtcp_port))

    def raw(self, data: bytes) -> None:
        """Send the same bytes to both ports."""
        self.rtp.sendto(data, ("127.0.0.1", self.to.rtp_port))
        self.rtcp.sendto(data, ("127.0.0.1", self.to.rtcp_port))

    def keyframe_requests(self) -> list[int]:
        """Return the media SSRCs of the keyframe requests that have come to the RTCP socket and were not read yet."""
        return [ssrc for data in _received(self.rtcp) for ssrc in _picture_losses(data)]

    def _picture(self, frame: bytes) -> bytes:
        frame += self.sequence.to_bytes(2, "big")
        for packet in vp8.packetize(frame, timestamp=self.timestamp, sequence=self.sequence, mtu=30):
            self.send(packet)
        self.timestamp += 3000
        return frame

    async def _paced(self, sent: bytes, seconds: float) -> bytes:
        await asyncio.sleep(seconds)
        return sent

    def send(self, packet: RtpPacket) -> None:
        """Send a packet, whose sequence number is this peer's."""
        self.rtp.sendto(datagram(packet), ("127.0.0.1", self.to.rtp_port))
        self.sequence += 1


@contextmanager
def rtp_peer(to: RtpPorts | None, port: int = 0, rtcp_port: int | None = None) -> Iterator[RtpPeer]:
    """Send from ports that belong to no pair, or from `port`, with RTCP from the one above or from `rtcp_port`."""
    assert to is not None
    with socket.socket(type=socket.SOCK_DGRAM) as rtp, socket.socket(type=socket.SOCK_DGRAM) as rtcp:
        rtp.bind(("127.0.0.1", port))
        rtcp.bind(("127.0.0.1", (port and port + 1) if rtcp_port is None else rtcp_port))
        rtcp.setblocking(False)
        yield RtpPeer(rtp, rtcp, to)


async def delivered() -> None:
    """Let the loop read what was sent: loopback has delivered it by the time it is sent."""
    for _ in range(3):
        await asyncio.sleep(0)


def _received(receiving: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield receiving.recv(2048)
        except BlockingIOError:
            return


def _picture_losses(compound: bytes) -> Iterator[int]:
    """Yield the media SSRC of each picture loss indication (RFC 4585 section 6.3.1)."""
    while compound:
        first, packet_type, words = struct.unpack_from("!BBH", compound)
        if packet_type == _PAYLOAD_FEEDBACK and first & 0x1F == _PICTURE_LOSS:
            yield struct.unpack_from("!I", compound, 8)[0]
        compound = compound[4 * (words + 1) :]
